package dev.nereid.gateway;

import dev.nereid.client.Endpoint;
import dev.nereid.client.UpstreamStatus;
import dev.nereid.config.proto.ModelConfig;
import dev.nereid.core.Fault;
import dev.nereid.core.FaultException;
import dev.nereid.core.InferRequest;
import dev.nereid.core.MemoryPool;
import dev.nereid.core.Ticker;
import dev.nereid.engine.Engine;
import dev.nereid.engine.IndexEntry;
import dev.nereid.engine.LoadParameters;
import dev.nereid.engine.ModelIdentity;
import dev.nereid.engine.ModelStatistics;
import java.util.List;
import java.util.SortedMap;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/** The engine in this process. */
final class EngineServing implements Serving {
  private final Engine engine;

  EngineServing(Engine engine) {
    this.engine = engine;
  }

  @Override
  public void inferAll(List<InferRequest> requests) {
    engine.inferAll(requests);
  }

  @Override
  public String instead(String model) {
    return model;
  }

  @Override
  public @Nullable String standIn(String model) {
    return null;
  }

  @Override
  public ModelConfig config(String model, long version) {
    return engine.config(model, version);
  }

  @Override
  public @Nullable Identity identity(String model, long version) {
    ModelConfig config = engine.config(model, version);
    if (config.hasSequenceBatching() || config.getModelTransactionPolicy().getDecoupled()) {
      return null;
    }
    ModelIdentity identity = engine.identity(model, version);
    return new Identity(identity.loads(), identity.contents());
  }

  @Override
  public List<String> labels(String model, long version, String output) {
    return engine.labels(model, version, output);
  }

  @Override
  public Serving on(@Nullable Endpoint upstream) {
    if (upstream == null) {
      return this;
    }
    throw FaultException.of(
        Fault.INVALID_ARGUMENT,
        "upstream: " + upstream + " (expected: none; the models run in this process)");
  }

  @Override
  public List<IndexEntry> index() {
    return engine.index();
  }

  @Override
  public boolean loadsOnRequest() {
    return engine.loadsOnRequest();
  }

  @Override
  public void load(String model) {
    engine.load(model, LoadParameters.NONE);
  }

  @Override
  public void unload(String model, boolean dependents) {
    engine.unload(model, dependents);
  }

  @Override
  public Health health() {
    if (!engine.isLive() || engine.isWithdrawn()) {
      return Health.ENDING;
    }
    return engine.started().isDone() ? Health.GOOD : Health.starting("models are loading");
  }

  @Override
  public @Nullable UpstreamStatus upstreams() {
    return null;
  }

  @Override
  public SortedMap<Long, Long> batches() {
    SortedMap<Long, Long> batches = new TreeMap<>();
    for (ModelStatistics model : engine.statistics("", -1)) {
      for (var batch : model.batches()) {
        batches.merge(batch.batchSize(), batch.computeInfer().count(), Long::sum);
      }
    }
    return batches;
  }

  @Override
  public MemoryPool memory() {
    return engine.memory();
  }

  @Override
  public Ticker ticker() {
    return engine.ticker();
  }
}
