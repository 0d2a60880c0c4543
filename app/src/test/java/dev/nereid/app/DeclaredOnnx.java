package dev.nereid.app;

import com.google.protobuf.ByteString;
import com.google.protobuf.UnknownFieldSet;
import com.google.protobuf.UnknownFieldSet.Field;
import dev.nereid.config.proto.DataType;
import dev.nereid.config.proto.ModelConfig;
import dev.nereid.config.proto.ModelInput;
import dev.nereid.config.proto.ModelOutput;
import java.util.ArrayList;
import java.util.List;

/**
 * An ONNX file with the tensors that a configuration declares, written by the numbers of its
 * fields.
 */
final class DeclaredOnnx {
  private static final int IR_VERSION = 9;
  private static final int OPSET = 19;
  private static final int FLOAT = 1;
  private static final int UINT8 = 2;
  private static final int INT64 = 7;
  private static final int BOOL = 9;
  private static final int FLOAT16 = 10;
  private static final int WHOLE_NUMBER = 2;
  private static final byte[] ONE = {0, 0, (byte) 0x80, 0x3f};
  private static final byte[] WHITE = {0, 0, 0x7f, 0x43}; // 255

  private final UnknownFieldSet.Builder fields = UnknownFieldSet.newBuilder();

  private DeclaredOnnx() {}

  /** Its outputs are zeros, with as many rows as the first input has. */
  static byte[] of(ModelConfig config) {
    DeclaredOnnx graph = inputsOf(config);
    String first = config.getInput(0).getName();
    graph
        .part(5, tensor("zero", INT64, List.of(1L), new byte[Long.BYTES]))
        .part(1, node("Shape", "shape", first))
        .part(1, node("Gather", "rows", "shape", "zero"));
    for (ModelOutput output : config.getOutputList()) {
      List<Long> dims =
          output.hasReshape() ? output.getReshape().getShapeList() : output.getDimsList();
      graph.part(12, value(output.getName(), element(output.getDataType()), dims));
      rowsOf(graph, output.getName(), dims);
    }
    return model(graph);
  }

  /** Its only output is its only input as FP32, and bytes from 0 to 255 are 0 to 1 there. */
  static byte[] cast(ModelConfig config) {
    ModelInput from = config.getInput(0);
    ModelOutput to = config.getOutput(0);
    boolean bytes = from.getDataType() == DataType.TYPE_UINT8;
    DeclaredOnnx graph = inputsOf(config);
    graph
        .part(5, tensor("most", FLOAT, List.of(), bytes ? WHITE : ONE))
        .part(
            1,
            node("Cast", "whole", from.getName())
                .part(
                    5, new DeclaredOnnx().text(1, "to").number(3, FLOAT).number(20, WHOLE_NUMBER)))
        .part(1, node("Div", to.getName(), "whole", "most"))
        .part(12, value(to.getName(), FLOAT, to.getDimsList()));
    return model(graph);
  }

  private static DeclaredOnnx inputsOf(ModelConfig config) {
    DeclaredOnnx graph = new DeclaredOnnx().text(2, config.getName());
    for (ModelInput input : config.getInputList()) {
      List<Long> dims =
          input.hasReshape() ? input.getReshape().getShapeList() : input.getDimsList();
      graph.part(11, value(input.getName(), element(input.getDataType()), dims));
    }
    return graph;
  }

  private static byte[] model(DeclaredOnnx graph) {
    return new DeclaredOnnx()
        .number(1, IR_VERSION)
        .part(7, graph)
        .part(8, new DeclaredOnnx().text(1, "").number(2, OPSET))
        .bytes()
        .toByteArray();
  }

  private static int element(DataType type) {
    return switch (type) {
      case TYPE_FP32 -> FLOAT;
      case TYPE_INT64 -> INT64;
      case TYPE_UINT8 -> UINT8;
      case TYPE_FP16 -> FLOAT16;
      default ->
          throw new IllegalArgumentException(
              type + " (expected: TYPE_FP32, TYPE_FP16, TYPE_UINT8 or TYPE_INT64)");
    };
  }

  private static DeclaredOnnx value(String name, int element, List<Long> dims) {
    DeclaredOnnx shape = new DeclaredOnnx().part(1, new DeclaredOnnx().text(2, "batch"));
    for (int i = 0; i < dims.size(); i++) {
      DeclaredOnnx dim = new DeclaredOnnx();
      shape.part(1, dims.get(i) < 0 ? dim.text(2, name + i) : dim.number(1, dims.get(i)));
    }
    DeclaredOnnx tensor = new DeclaredOnnx().number(1, element).part(2, shape);
    return new DeclaredOnnx().text(1, name).part(2, new DeclaredOnnx().part(1, tensor));
  }

  /** As many rows of zeros as the first input has rows. */
  private static void rowsOf(DeclaredOnnx graph, String output, List<Long> dims) {
    List<Long> row = new ArrayList<>(dims);
    row.addFirst(1L);
    int elements = Math.toIntExact(row.stream().reduce(1L, (a, b) -> a * b));
    byte[] isFirst = new byte[row.size()];
    isFirst[0] = 1;
    byte[] ones = new byte[row.size() * Long.BYTES];
    for (int i = 0; i < row.size(); i++) {
      ones[i * Long.BYTES] = 1;
    }
    List<Long> rank = List.of((long) row.size());
    graph
        .part(5, tensor(output + "_row", FLOAT, row, new byte[elements * Float.BYTES]))
        .part(5, tensor(output + "_first", BOOL, rank, isFirst))
        .part(5, tensor(output + "_ones", INT64, rank, ones))
        .part(1, node("Where", output + "_shape", output + "_first", "rows", output + "_ones"))
        .part(1, node("Expand", output, output + "_row", output + "_shape"));
  }

  private static DeclaredOnnx node(String operator, String output, String... inputs) {
    DeclaredOnnx node = new DeclaredOnnx();
    for (String input : inputs) {
      node.text(1, input);
    }
    return node.text(2, output).text(4, operator);
  }

  private static DeclaredOnnx tensor(String name, int element, List<Long> dims, byte... raw) {
    DeclaredOnnx tensor = new DeclaredOnnx();
    dims.forEach(dim -> tensor.number(1, dim));
    return tensor.number(2, element).text(8, name).bytes(9, ByteString.copyFrom(raw));
  }

  private DeclaredOnnx number(int field, long value) {
    fields.mergeField(field, Field.newBuilder().addVarint(value).build());
    return this;
  }

  private DeclaredOnnx text(int field, String value) {
    return bytes(field, ByteString.copyFromUtf8(value));
  }

  private DeclaredOnnx part(int field, DeclaredOnnx value) {
    return bytes(field, value.bytes());
  }

  private DeclaredOnnx bytes(int field, ByteString value) {
    fields.mergeField(field, Field.newBuilder().addLengthDelimited(value).build());
    return this;
  }

  private ByteString bytes() {
    return fields.build().toByteString();
  }
}
