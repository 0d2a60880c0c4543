package dev.nereid.protocol;

import dev.nereid.core.Fault;
import dev.nereid.core.FaultException;
import java.io.IOException;
import java.util.Map;

/** The parameters of a message on the wire: a map of names to InferParameters. */
final class GrpcParameters {
  private static final int KEY = 1;
  private static final int VALUE = 2;

  private GrpcParameters() {}

  /** How many bytes {@link #write} writes under a field whose tag takes one byte. */
  static int size(Map<String, Object> parameters) {
    int total = 0;
    if (!parameters.isEmpty()) {
      for (Map.Entry<String, Object> parameter : parameters.entrySet()) {
        int entry = entrySize(parameter.getKey(), valueSize(parameter.getValue()));
        total += 1 + ProtoWriter.varintSize(entry) + entry;
      }
    }
    return total;
  }

  static void write(ProtoWriter writer, int field, Map<String, Object> parameters)
      throws IOException {
    for (Map.Entry<String, Object> parameter : parameters.entrySet()) {
      int valueSize = valueSize(parameter.getValue());
      writer.tag(field, entrySize(parameter.getKey(), valueSize));
      writer.string(KEY, parameter.getKey());
      writer.tag(VALUE, valueSize);
      writeValue(writer, parameter.getValue());
    }
  }

  private static int entrySize(String key, int valueSize) {
    return ProtoWriter.stringFieldSize(key) + 1 + ProtoWriter.varintSize(valueSize) + valueSize;
  }

  private static int valueSize(Object value) {
    return switch (value) {
      case Boolean _ -> 2;
      case Long number -> 1 + ProtoWriter.varintSize(number);
      case String text -> {
        int length = ProtoWriter.utf8Length(text);
        yield 1 + ProtoWriter.varintSize(length) + length;
      }
      case Double _ -> 9;
      default ->
          throw FaultException.of(
              Fault.INTERNAL,
              "parameter: " + value + " (expected: String, Long, Boolean or Double)");
    };
  }

  private static void writeValue(ProtoWriter writer, Object value) throws IOException {
    switch (value) {
      case Boolean flag -> writer.varintField(1, flag ? 1 : 0);
      case Long number -> writer.varintField(2, number);
      case String text -> writer.presentString(3, text);
      case Double number -> writer.fixed64(4, Double.doubleToRawLongBits(number));
      default -> throw new IllegalStateException("parameter: " + value);
    }
  }
}
