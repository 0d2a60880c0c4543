package dev.nereid.gateway;

import dev.nereid.client.UpstreamStatus;
import dev.nereid.config.proto.ModelConfig;
import dev.nereid.core.MemoryPool;
import dev.nereid.core.Ticker;
import dev.nereid.engine.IndexEntry;
import java.util.List;
import java.util.SortedMap;
import org.jspecify.annotations.Nullable;

/** Stands before what runs the models, and leaves to it all but the requests. */
abstract class ForwardingServing implements Serving {
  /** What stands behind. */
  protected final Serving inner;

  ForwardingServing(Serving inner) {
    this.inner = inner;
  }

  @Override
  public String instead(String model) {
    return inner.instead(model);
  }

  @Override
  public @Nullable String standIn(String model) {
    return inner.standIn(model);
  }

  @Override
  public ModelConfig config(String model, long version) {
    return inner.config(model, version);
  }

  @Override
  public @Nullable Identity identity(String model, long version) {
    return inner.identity(model, version);
  }

  @Override
  public List<String> labels(String model, long version, String output) {
    return inner.labels(model, version, output);
  }

  @Override
  public List<IndexEntry> index() {
    return inner.index();
  }

  @Override
  public boolean loadsOnRequest() {
    return inner.loadsOnRequest();
  }

  @Override
  public void load(String model) {
    inner.load(model);
  }

  @Override
  public void unload(String model, boolean dependents) {
    inner.unload(model, dependents);
  }

  @Override
  public Health health() {
    return inner.health();
  }

  @Override
  public @Nullable UpstreamStatus upstreams() {
    return inner.upstreams();
  }

  @Override
  public SortedMap<Long, Long> batches() {
    return inner.batches();
  }

  @Override
  public MemoryPool memory() {
    return inner.memory();
  }

  @Override
  public Ticker ticker() {
    return inner.ticker();
  }
}
