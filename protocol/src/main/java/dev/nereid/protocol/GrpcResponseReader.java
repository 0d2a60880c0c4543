package dev.nereid.protocol;

import dev.nereid.core.DataType;
import dev.nereid.core.Fault;
import dev.nereid.core.FaultException;
import dev.nereid.core.InferResponse;
import dev.nereid.core.Lease;
import dev.nereid.core.Shape;
import dev.nereid.core.Tensor;
import dev.nereid.core.Timings;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Reads the bytes of a ModelInferResponse. Tensors become views of them, without a copy and without
 * a generated message. Thread-safe.
 */
public final class GrpcResponseReader {
  private final NameCache names = new NameCache();

  /** A reader of any number of messages. */
  public GrpcResponseReader() {}

  /**
   * Reads one message.
   *
   * @param body nothing but the message; it belongs to the response, or is closed when this throws
   * @throws FaultException with {@link Fault#BACKEND_FAILED} when it is no such message
   */
  public InferResponse read(Lease body) {
    try {
      return new Parse(body, new ProtoCursor(body.bytes(), names)).response();
    } catch (FaultException e) {
      body.close();
      throw FaultException.of(Fault.BACKEND_FAILED, "the server's reply: " + e.failure().message());
    }
  }

  /** An output before its bytes are known. */
  private record Output(String name, DataType type, Shape shape) {}

  /** The parse of one message. Confined to one thread. */
  private static final class Parse {
    private final Lease body;
    private final ProtoCursor cursor;
    private final List<Output> outputs = new ArrayList<>(4);
    private final List<int[]> contents = new ArrayList<>(4); // offset and length of each
    private Map<String, Object> parameters = Map.of();
    private String model = "";
    private String version = "";
    private String id = "";

    Parse(Lease body, ProtoCursor cursor) {
      this.body = body;
      this.cursor = cursor;
    }

    InferResponse response() {
      while (cursor.next()) {
        switch (cursor.field(ProtoCursor.BYTES)) {
          case 1 -> model = cursor.name();
          case 2 -> version = cursor.name();
          case 3 -> id = cursor.string();
          case 4 -> parameter();
          case 5 -> outputs.add(output());
          case 6 -> {
            int length = cursor.length();
            contents.add(new int[] {cursor.offset(), length});
            cursor.advance(length);
          }
          default -> cursor.skip();
        }
      }
      if (contents.size() != outputs.size()) {
        throw ProtoCursor.malformed(
            outputs.size() + " outputs with " + contents.size() + " raw contents");
      }
      List<Tensor> tensors = new ArrayList<>(outputs.size());
      for (int i = 0; i < outputs.size(); i++) {
        Output output = outputs.get(i);
        int[] range = contents.get(i);
        tensors.add(new Tensor(output.name, output.type, output.shape, body, range[0], range[1]));
      }
      return new InferResponse(
          model, Arrival.version(version), id, parameters, tensors, List.of(body), Timings.NONE);
    }

    private Output output() {
      String name = "";
      String type = "";
      List<Long> dims = new ArrayList<>(4);
      int outer = cursor.enter();
      while (cursor.next()) {
        if (cursor.field(ProtoCursor.BYTES) == 1) {
          name = cursor.name();
        } else if (cursor.field(ProtoCursor.BYTES) == 2) {
          type = cursor.name();
        } else if (cursor.field(ProtoCursor.BYTES) == 3) {
          int list = cursor.enter();
          while (!cursor.atEnd()) {
            dims.add(cursor.varint());
          }
          cursor.leave(list);
        } else if (cursor.field(ProtoCursor.VARINT) == 3) {
          dims.add(cursor.varint());
        } else {
          cursor.skip();
        }
      }
      cursor.leave(outer);
      DataType known = DataType.ofWireName(type);
      if (known == null || dims.stream().anyMatch(dim -> dim < 0)) {
        throw ProtoCursor.malformed("output '" + name + "' is " + type + " " + dims);
      }
      return new Output(name, known, Shape.of(dims));
    }

    private void parameter() {
      String key = "";
      Object value = "";
      int outer = cursor.enter();
      while (cursor.next()) {
        switch (cursor.field(ProtoCursor.BYTES)) {
          case 1 -> key = cursor.name();
          case 2 -> value = value();
          default -> cursor.skip();
        }
      }
      cursor.leave(outer);
      if (parameters.isEmpty()) {
        parameters = new HashMap<>();
      }
      parameters.put(key, value);
    }

    private Object value() {
      Object value = "";
      int outer = cursor.enter();
      while (cursor.next()) {
        if (cursor.field(ProtoCursor.VARINT) == 1) {
          value = cursor.varint() != 0;
        } else if (cursor.field(ProtoCursor.VARINT) == 2 || cursor.field(ProtoCursor.VARINT) == 5) {
          value = cursor.varint();
        } else if (cursor.field(ProtoCursor.BYTES) == 3) {
          value = cursor.string();
        } else if (cursor.field(ProtoCursor.FIXED64) == 4) {
          value = Double.longBitsToDouble(cursor.fixed64());
        } else {
          cursor.skip();
        }
      }
      cursor.leave(outer);
      return value;
    }
  }
}
