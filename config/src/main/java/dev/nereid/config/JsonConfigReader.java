package dev.nereid.config;

import com.google.protobuf.Descriptors.Descriptor;
import com.google.protobuf.Descriptors.EnumValueDescriptor;
import com.google.protobuf.Descriptors.FieldDescriptor;
import com.google.protobuf.Message;
import dev.nereid.config.proto.ModelConfig;
import dev.nereid.core.Fault;
import dev.nereid.core.FaultException;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JsonParser;
import tools.jackson.core.JsonToken;

/** Reads one configuration from a JSON parser and refuses what the schema does not know. */
final class JsonConfigReader {
  /** Digits before the point of the largest 64-bit number. */
  private static final int MAX_DIGITS = 20;

  private static final BigInteger HUGE = BigInteger.ONE.shiftLeft(64);

  private final JsonParser json;
  private final List<String> path = new ArrayList<>();

  JsonConfigReader(JsonParser json) {
    this.json = json;
  }

  ModelConfig read() {
    if (json.nextToken() != JsonToken.START_OBJECT) {
      throw refused("found " + found(), "an object");
    }
    ModelConfig.Builder config = ModelConfig.newBuilder();
    readBlock(config);
    if (json.nextToken() != null) {
      throw refused("text after the object", "nothing");
    }
    return config.build();
  }

  private void readBlock(Message.Builder block) {
    while (json.nextToken() != JsonToken.END_OBJECT) {
      String name = json.currentName();
      FieldDescriptor field = field(block.getDescriptorForType(), name);
      if (field == null) {
        throw refused(
            ConfigSchema.unknownField(name, String.join(".", path), block.getDescriptorForType()));
      }
      path.addLast(field.getName());
      readField(block, field);
      path.removeLast();
    }
  }

  private static @Nullable FieldDescriptor field(Descriptor type, String name) {
    FieldDescriptor exact = type.findFieldByName(name);
    if (exact != null) {
      return exact;
    }
    return type.getFields().stream()
        .filter(f -> f.getJsonName().equals(name))
        .findFirst()
        .orElse(null);
  }

  private void readField(Message.Builder block, FieldDescriptor field) {
    JsonToken token = json.nextToken();
    if (token == JsonToken.VALUE_NULL) {
      return;
    }
    if (field.isMapField()) {
      readMap(block, field, token);
    } else if (field.isRepeated()) {
      if (token != JsonToken.START_ARRAY) {
        throw refused("found " + found(), "a list");
      }
      while (json.nextToken() != JsonToken.END_ARRAY) {
        block.addRepeatedField(field, value(block, field));
      }
    } else {
      if (field.getRealContainingOneof() != null
          && block.hasOneof(field.getRealContainingOneof())) {
        FieldDescriptor other = block.getOneofFieldDescriptor(field.getRealContainingOneof());
        throw refused("given beside '" + other.getName() + "'", "at most one of them");
      }
      block.setField(field, value(block, field));
    }
  }

  private void readMap(Message.Builder block, FieldDescriptor field, JsonToken token) {
    if (token != JsonToken.START_OBJECT) {
      throw refused("found " + found(), "an object");
    }
    FieldDescriptor keyField = field.getMessageType().findFieldByName("key");
    FieldDescriptor valueField = field.getMessageType().findFieldByName("value");
    while (json.nextToken() != JsonToken.END_OBJECT) {
      String key = json.currentName();
      path.addLast(key);
      json.nextToken();
      Message.Builder entry = block.newBuilderForField(field);
      entry.setField(
          keyField,
          keyField.getType() == FieldDescriptor.Type.STRING ? key : integer(keyField, key));
      entry.setField(valueField, value(entry, valueField));
      block.addRepeatedField(field, entry.build());
      path.removeLast();
    }
  }

  private Object value(Message.Builder block, FieldDescriptor field) {
    JsonToken token = json.currentToken();
    boolean text = token == JsonToken.VALUE_STRING;
    boolean number = token == JsonToken.VALUE_NUMBER_INT || token == JsonToken.VALUE_NUMBER_FLOAT;
    Object value =
        switch (field.getJavaType()) {
          case INT, LONG -> text || number ? integer(field, json.getString()) : null;
          case FLOAT -> text || number ? (Object) real(json.getString()).floatValue() : null;
          case DOUBLE -> text || number ? real(json.getString()) : null;
          case BOOLEAN ->
              token == JsonToken.VALUE_TRUE || token == JsonToken.VALUE_FALSE
                  ? (Object) json.getBooleanValue()
                  : null;
          case STRING -> text ? json.getString() : null;
          case BYTE_STRING -> null;
          case ENUM -> text || number ? choice(field, json.getString(), text) : null;
          case MESSAGE -> token == JsonToken.START_OBJECT ? nested(block, field) : null;
        };
    if (value == null) {
      throw refused("found " + found(), ConfigSchema.expectation(field));
    }
    return value;
  }

  private Message nested(Message.Builder block, FieldDescriptor field) {
    Message.Builder inner = block.newBuilderForField(field);
    readBlock(inner);
    return inner.build();
  }

  private Object integer(FieldDescriptor field, String text) {
    boolean unsigned =
        field.getType() == FieldDescriptor.Type.UINT32
            || field.getType() == FieldDescriptor.Type.UINT64;
    int bits = field.getJavaType() == FieldDescriptor.JavaType.LONG ? 64 : 32;
    try {
      BigDecimal decimal = new BigDecimal(text.strip());
      boolean small = decimal.precision() - (long) decimal.scale() <= MAX_DIGITS;
      BigInteger number = small ? decimal.toBigIntegerExact() : HUGE;
      if (number.bitLength() <= (unsigned ? bits : bits - 1)
          && (!unsigned || number.signum() >= 0)) {
        return bits == 64 ? (Object) number.longValue() : (Object) number.intValue();
      }
    } catch (ArithmeticException | NumberFormatException _) {
      // refused below
    }
    throw refused(
        "found " + text, ConfigSchema.expectation(field) + " that fits " + bits + " bits");
  }

  private Double real(String text) {
    try {
      return Double.valueOf(text.strip());
    } catch (NumberFormatException _) {
      throw refused("found " + text, "a number");
    }
  }

  private @Nullable EnumValueDescriptor choice(FieldDescriptor field, String text, boolean name) {
    for (EnumValueDescriptor choice : field.getEnumType().getValues()) {
      if (name
          ? choice.getName().equalsIgnoreCase(text)
          : Integer.toString(choice.getNumber()).equals(text)) {
        return choice;
      }
    }
    return null;
  }

  private String found() {
    JsonToken token = json.currentToken();
    if (token == null) {
      return "the end of the text";
    }
    return switch (token) {
      case START_OBJECT -> "an object";
      case START_ARRAY -> "a list";
      case VALUE_STRING -> "\"" + json.getString() + "\"";
      default -> String.valueOf(json.getString());
    };
  }

  private FaultException refused(String what, String expected) {
    String where = path.isEmpty() ? "" : "'" + String.join(".", path) + "': ";
    return refused(where + what + " (expected: " + expected + ")");
  }

  private FaultException refused(String what) {
    return FaultException.of(Fault.INVALID_ARGUMENT, "model configuration: " + what);
  }
}
