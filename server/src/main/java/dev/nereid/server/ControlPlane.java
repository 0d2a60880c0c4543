package dev.nereid.server;

import dev.nereid.config.proto.ModelConfig;
import dev.nereid.core.DataType;
import dev.nereid.engine.Engine;
import dev.nereid.engine.IndexEntry;
import dev.nereid.engine.ModelStatistics.BatchStatistics;
import dev.nereid.engine.ModelStatistics.Phase;
import dev.nereid.protocol.proto.InferBatchStatistics;
import dev.nereid.protocol.proto.InferStatistics;
import dev.nereid.protocol.proto.ModelMetadataResponse;
import dev.nereid.protocol.proto.ModelMetadataResponse.TensorMetadata;
import dev.nereid.protocol.proto.ModelStatistics;
import dev.nereid.protocol.proto.ModelStatisticsResponse;
import dev.nereid.protocol.proto.RepositoryIndexResponse;
import dev.nereid.protocol.proto.RepositoryIndexResponse.ModelIndex;
import dev.nereid.protocol.proto.ServerMetadataResponse;
import dev.nereid.protocol.proto.StatisticDuration;
import java.util.List;

/**
 * What the engine tells, in the messages of v2, which both protocols send. May block; thread-safe.
 */
final class ControlPlane {
  private final Engine engine;
  private final ServerMetadataResponse server;

  ControlPlane(Engine engine, ServerIdentity identity) {
    this.engine = engine;
    server =
        ServerMetadataResponse.newBuilder()
            .setName(identity.name())
            .setVersion(identity.version())
            .addAllExtensions(ServerIdentity.EXTENSIONS)
            .build();
  }

  ServerMetadataResponse server() {
    return server;
  }

  ModelMetadataResponse model(String model, long version) {
    List<Long> versions = engine.versions(model, version);
    ModelConfig config = engine.config(model, version);
    boolean batching = config.getMaxBatchSize() > 0;
    ModelMetadataResponse.Builder metadata =
        ModelMetadataResponse.newBuilder()
            .setName(model)
            .setPlatform(
                config.getPlatform().isEmpty() ? config.getBackend() : config.getPlatform());
    versions.forEach(ready -> metadata.addVersions(Long.toString(ready)));
    config
        .getInputList()
        .forEach(
            input ->
                metadata.addInputs(
                    tensor(input.getName(), input.getDataType(), input.getDimsList(), batching)));
    config
        .getOutputList()
        .forEach(
            output ->
                metadata.addOutputs(
                    tensor(
                        output.getName(), output.getDataType(), output.getDimsList(), batching)));
    return metadata.build();
  }

  private static TensorMetadata tensor(
      String name, dev.nereid.config.proto.DataType type, List<Long> dims, boolean batching) {
    TensorMetadata.Builder tensor =
        TensorMetadata.newBuilder().setName(name).setDatatype(wireName(type));
    if (batching) {
      tensor.addShape(-1);
    }
    return tensor.addAllShape(dims).build();
  }

  private static String wireName(dev.nereid.config.proto.DataType type) {
    if (type == dev.nereid.config.proto.DataType.TYPE_STRING) {
      return DataType.BYTES.name();
    }
    return type.name().substring("TYPE_".length());
  }

  ModelStatisticsResponse statistics(String model, long version) {
    ModelStatisticsResponse.Builder response = ModelStatisticsResponse.newBuilder();
    engine.statistics(model, version).forEach(one -> response.addModelStats(statistics(one)));
    return response.build();
  }

  private static ModelStatistics statistics(dev.nereid.engine.ModelStatistics one) {
    ModelStatistics.Builder statistics =
        ModelStatistics.newBuilder()
            .setName(one.model())
            .setVersion(Long.toString(one.version()))
            .setLastInference(one.lastInferenceMillis())
            .setInferenceCount(one.inferenceCount())
            .setExecutionCount(one.executionCount())
            .setInferenceStats(
                InferStatistics.newBuilder()
                    .setSuccess(duration(one.success()))
                    .setFail(duration(one.fail()))
                    .setQueue(duration(one.queue()))
                    .setComputeInput(duration(one.computeInput()))
                    .setComputeInfer(duration(one.computeInfer()))
                    .setComputeOutput(duration(one.computeOutput()))
                    .setCacheHit(duration(one.cacheHit()))
                    .setCacheMiss(duration(one.cacheMiss())));
    for (BatchStatistics batch : one.batches()) {
      statistics.addBatchStats(
          InferBatchStatistics.newBuilder()
              .setBatchSize(batch.batchSize())
              .setComputeInput(duration(batch.computeInput()))
              .setComputeInfer(duration(batch.computeInfer()))
              .setComputeOutput(duration(batch.computeOutput())));
    }
    return statistics.build();
  }

  private static StatisticDuration duration(Phase phase) {
    return StatisticDuration.newBuilder().setCount(phase.count()).setNs(phase.nanos()).build();
  }

  RepositoryIndexResponse index(boolean readyOnly) {
    RepositoryIndexResponse.Builder response = RepositoryIndexResponse.newBuilder();
    for (IndexEntry entry : engine.index()) {
      if (readyOnly && entry.state() != IndexEntry.State.READY) {
        continue;
      }
      ModelIndex.Builder index = ModelIndex.newBuilder().setName(entry.model());
      if (entry.version() > 0) {
        index.setVersion(Long.toString(entry.version())).setState(entry.state().name());
      } else if (!entry.reason().isEmpty()) {
        index.setState(entry.state().name());
      }
      response.addModels(index.setReason(entry.reason()));
    }
    return response.build();
  }
}
