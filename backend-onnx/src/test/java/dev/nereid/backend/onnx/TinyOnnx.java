package dev.nereid.backend.onnx;

import com.google.protobuf.ByteString;
import com.google.protobuf.CodedOutputStream;
import dev.nereid.core.DataType;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/** Writes small ONNX files, so that tests need no other tool. Dimensions are numbers or names. */
final class TinyOnnx {
  private static final int IR_VERSION = 9;
  private static final int OPSET = 19;

  private final Message graph = new Message();
  private final Message metadata = new Message();
  private String producer = "tiny";

  /** The bytes of a protobuf message while it is written. */
  private static final class Message {
    private final ByteArrayOutputStream bytes = new ByteArrayOutputStream();

    private interface Part {
      void write(CodedOutputStream out) throws IOException;
    }

    private Message add(Part part) {
      try {
        CodedOutputStream out = CodedOutputStream.newInstance(bytes);
        part.write(out);
        out.flush();
        return this;
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }

    Message text(int field, String value) {
      return add(out -> out.writeString(field, value));
    }

    Message number(int field, long value) {
      return add(out -> out.writeInt64(field, value));
    }

    Message message(int field, Message value) {
      return add(out -> out.writeBytes(field, ByteString.copyFrom(value.bytes.toByteArray())));
    }

    Message raw(int field, byte[] value) {
      return add(out -> out.writeByteArray(field, value));
    }

    void append(Message other) {
      other.bytes.writeBytes(bytes.toByteArray());
    }
  }

  TinyOnnx() {
    graph.text(2, "tiny");
  }

  /** An Identity from {@code INPUT0} to {@code OUTPUT0}. */
  static TinyOnnx identity(DataType type, Object... dims) {
    return new TinyOnnx()
        .input("INPUT0", type, dims)
        .output("OUTPUT0", type, dims)
        .node("Identity", List.of("INPUT0"), List.of("OUTPUT0"));
  }

  /** {@code OUTPUT0} is twice {@code INPUT0}. */
  static TinyOnnx twice(DataType type, Object... dims) {
    return new TinyOnnx()
        .input("INPUT0", type, dims)
        .output("OUTPUT0", type, dims)
        .node("Add", List.of("INPUT0", "INPUT0"), List.of("OUTPUT0"));
  }

  TinyOnnx input(String name, DataType type, Object... dims) {
    graph.message(11, value(name).message(2, tensorType(type, shape(dims))));
    return this;
  }

  TinyOnnx output(String name, DataType type, Object... dims) {
    graph.message(12, value(name).message(2, tensorType(type, shape(dims))));
    return this;
  }

  /** An output of which only the name is said. */
  TinyOnnx output(String name) {
    graph.message(12, new Message().text(1, name));
    return this;
  }

  private static Message value(String name) {
    return new Message().text(1, name);
  }

  private static Message tensorType(DataType type, Message shape) {
    return new Message()
        .message(1, new Message().number(1, ElementTypes.numberOf(type)).message(2, shape));
  }

  private static Message shape(Object... dims) {
    Message shape = new Message();
    for (Object dim : dims) {
      shape.message(
          1,
          dim instanceof Number number
              ? new Message().number(1, number.longValue())
              : new Message().text(2, dim.toString()));
    }
    return shape;
  }

  TinyOnnx node(String operator, List<String> inputs, List<String> outputs) {
    graph.message(1, nodeMessage(operator, inputs, outputs));
    return this;
  }

  /** A node of one output, with one attribute that is a whole number. */
  TinyOnnx node(String operator, List<String> inputs, String output, String attribute, long value) {
    graph.message(
        1,
        nodeMessage(operator, inputs, List.of(output))
            .message(5, new Message().text(1, attribute).number(3, value).number(20, 2)));
    return this;
  }

  private static Message nodeMessage(String operator, List<String> inputs, List<String> outputs) {
    Message node = new Message();
    inputs.forEach(name -> node.text(1, name));
    outputs.forEach(name -> node.text(2, name));
    return node.text(3, operator + outputs).text(4, operator);
  }

  /** A constant of the graph. */
  TinyOnnx floats(String name, long[] dims, float... values) {
    ByteBuffer raw = ByteBuffer.allocate(values.length * 4).order(ByteOrder.LITTLE_ENDIAN);
    for (float value : values) {
      raw.putFloat(value);
    }
    return initializer(name, DataType.FP32, dims, raw);
  }

  /** A constant of the graph. */
  TinyOnnx longs(String name, long[] dims, long... values) {
    ByteBuffer raw = ByteBuffer.allocate(values.length * 8).order(ByteOrder.LITTLE_ENDIAN);
    for (long value : values) {
      raw.putLong(value);
    }
    return initializer(name, DataType.INT64, dims, raw);
  }

  private TinyOnnx initializer(String name, DataType type, long[] dims, ByteBuffer raw) {
    Message tensor = new Message();
    for (long dim : dims) {
      tensor.number(1, dim);
    }
    byte[] bytes = new byte[raw.capacity()];
    raw.flip().get(bytes);
    graph.message(5, tensor.number(2, ElementTypes.numberOf(type)).text(8, name).raw(9, bytes));
    return this;
  }

  TinyOnnx metadata(String key, String value) {
    metadata.message(14, new Message().text(1, key).text(2, value));
    return this;
  }

  TinyOnnx producer(String name) {
    producer = name;
    return this;
  }

  byte[] bytes() {
    Message model =
        new Message()
            .number(1, IR_VERSION)
            .text(2, producer)
            .message(7, graph)
            .message(8, new Message().text(1, "").number(2, OPSET));
    metadata.append(model);
    return model.bytes.toByteArray();
  }

  /** Writes {@code 1/model.onnx} below the directory of a model; answers with that directory. */
  Path writeTo(Path model) {
    try {
      Path file = Files.createDirectories(model.resolve("1")).resolve("model.onnx");
      Files.write(file, bytes());
      return model;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
