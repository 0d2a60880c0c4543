package dev.nereid.client;

import com.google.protobuf.ByteString;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.UnsafeByteOperations;
import dev.nereid.core.DataType;
import dev.nereid.core.Shape;
import dev.nereid.protocol.proto.InferBatchStatistics;
import dev.nereid.protocol.proto.InferParameter;
import dev.nereid.protocol.proto.InferStatistics;
import dev.nereid.protocol.proto.ModelInferRequest;
import dev.nereid.protocol.proto.ModelInferResponse;
import dev.nereid.protocol.proto.ModelMetadataResponse;
import dev.nereid.protocol.proto.StatisticDuration;
import io.netty.buffer.ByteBuf;
import java.util.ArrayList;
import java.util.List;
import java.util.SortedMap;
import java.util.TreeMap;

/** The client's words as gRPC messages and back. */
final class GrpcMessages {
  private GrpcMessages() {}

  static byte[] encode(InferCall call) {
    ModelInferRequest.Builder request =
        ModelInferRequest.newBuilder()
            .setModelName(call.model())
            .setModelVersion(call.version())
            .setId(call.id());
    call.parameters().forEach((name, value) -> request.putParameters(name, parameter(name, value)));
    for (InferInput input : call.inputs()) {
      var tensor =
          ModelInferRequest.InferInputTensor.newBuilder()
              .setName(input.name())
              .setDatatype(input.type().name());
      for (long dim : input.shape().dims()) {
        tensor.addShape(dim);
      }
      request.addInputs(tensor);
      request.addRawInputContents(UnsafeByteOperations.unsafeWrap(input.data()));
    }
    for (String output : call.outputs()) {
      request.addOutputs(ModelInferRequest.InferRequestedOutputTensor.newBuilder().setName(output));
    }
    return request.build().toByteArray();
  }

  private static InferParameter parameter(String name, Object value) {
    InferParameter.Builder parameter = InferParameter.newBuilder();
    return switch (value) {
      case String text -> parameter.setStringParam(text).build();
      case Long number -> parameter.setInt64Param(number).build();
      case Boolean flag -> parameter.setBoolParam(flag).build();
      case Double number -> parameter.setDoubleParam(number).build();
      default ->
          throw new IllegalArgumentException(
              "parameter "
                  + name
                  + ": "
                  + value.getClass().getSimpleName()
                  + " (expected: String, Long, Boolean or Double)");
    };
  }

  static InferResult decode(ByteBuf body) {
    try {
      ModelInferResponse response = ModelInferResponse.parseFrom(body.nioBuffer());
      int count = response.getOutputsCount();
      if (response.getRawOutputContentsCount() != count) {
        throw malformed(
            count + " outputs with " + response.getRawOutputContentsCount() + " contents");
      }
      List<InferOutput> outputs = new ArrayList<>(count);
      for (int i = 0; i < count; i++) {
        var output = response.getOutputs(i);
        ByteString contents = response.getRawOutputContents(i);
        outputs.add(
            new InferOutput(
                output.getName(),
                type(output.getDatatype()),
                Shape.of(output.getShapeList()),
                contents.asReadOnlyByteBuffer()));
      }
      return new InferResult(
          response.getModelName(), response.getModelVersion(), response.getId(), outputs);
    } catch (InvalidProtocolBufferException e) {
      throw malformed(String.valueOf(e.getMessage()));
    }
  }

  static DataType type(String name) {
    DataType type = DataType.ofWireName(name);
    if (type == null) {
      throw malformed("data type '" + name + "' (expected: one of the protocol's)");
    }
    return type;
  }

  static InferenceException malformed(String what) {
    return new InferenceException(CallFailure.of(CallFailure.Kind.MALFORMED, "reply: " + what));
  }

  static ModelInfo model(ModelMetadataResponse reply) {
    return new ModelInfo(
        reply.getName(),
        reply.getVersionsList(),
        reply.getPlatform(),
        tensors(reply.getInputsList()),
        tensors(reply.getOutputsList()));
  }

  private static List<ModelInfo.TensorInfo> tensors(
      List<ModelMetadataResponse.TensorMetadata> all) {
    return all.stream()
        .map(
            t ->
                new ModelInfo.TensorInfo(
                    t.getName(), type(t.getDatatype()), Shape.of(t.getShapeList())))
        .toList();
  }

  static ModelStatistics statistics(dev.nereid.protocol.proto.ModelStatistics wire) {
    SortedMap<Long, Long> batches = new TreeMap<>();
    for (InferBatchStatistics batch : wire.getBatchStatsList()) {
      batches.merge(batch.getBatchSize(), batch.getComputeInfer().getCount(), Long::sum);
    }
    InferStatistics all = wire.getInferenceStats();
    return new ModelStatistics(
        wire.getName(),
        wire.getVersion(),
        wire.getInferenceCount(),
        wire.getExecutionCount(),
        phase(all.getSuccess()),
        phase(all.getFail()),
        phase(all.getQueue()),
        phase(all.getComputeInput()),
        phase(all.getComputeInfer()),
        phase(all.getComputeOutput()),
        batches);
  }

  private static ModelStatistics.Phase phase(StatisticDuration sum) {
    return new ModelStatistics.Phase(sum.getCount(), sum.getNs());
  }
}
