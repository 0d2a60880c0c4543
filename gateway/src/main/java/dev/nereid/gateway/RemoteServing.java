package dev.nereid.gateway;

import dev.nereid.client.Endpoint;
import dev.nereid.client.UpstreamStatus;
import dev.nereid.client.Upstreams;
import dev.nereid.config.proto.ModelConfig;
import dev.nereid.core.Fault;
import dev.nereid.core.FaultException;
import dev.nereid.core.InferRequest;
import dev.nereid.core.MemoryPool;
import dev.nereid.core.Ticker;
import dev.nereid.engine.Engine;
import dev.nereid.engine.IndexEntry;
import dev.nereid.engine.ModelIdentity;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/**
 * Remote servers, and the image steps in this process.
 *
 * <p>A picture goes to a server that has the whole ensemble, as it is; where servers have the bare
 * network only, the ensemble of that name runs in this process, and its network's step there.
 */
final class RemoteServing implements Serving {
  private final Engine engine;
  private final Upstreams upstreams;
  private final ImageEnsembles ensembles;
  private final Map<String, String> fallbacks;
  private final @Nullable Endpoint only;
  private final Map<String, String> texts = new ConcurrentHashMap<>();

  RemoteServing(
      Engine engine, Upstreams upstreams, ImageEnsembles ensembles, Map<String, String> fallbacks) {
    this(engine, upstreams, ensembles, fallbacks, null);
  }

  private RemoteServing(
      Engine engine,
      Upstreams upstreams,
      ImageEnsembles ensembles,
      Map<String, String> fallbacks,
      @Nullable Endpoint only) {
    this.engine = engine;
    this.only = only;
    this.upstreams = upstreams;
    this.ensembles = ensembles;
    this.fallbacks = Map.copyOf(fallbacks);
  }

  @Override
  public void inferAll(List<InferRequest> requests) {
    if (requests.isEmpty()) {
      return;
    }
    if (isHere(requests.getFirst().call().model())) {
      requests.forEach(request -> ensembles.infer(request, this::step, engine.ticker()));
    } else {
      requests.forEach(request -> upstreams.infer(request, only));
    }
  }

  /** Whether the ensemble runs here: no server has it whole. */
  private boolean isHere(String model) {
    return !upstreams.isKnown(model) && ensembles.find(model) != null;
  }

  private void step(InferRequest request) {
    if (isStep(request.call().model())) {
      engine.infer(request);
    } else {
      upstreams.infer(request, only);
    }
  }

  /** Whether the model is an image step of this process. */
  private boolean isStep(String model) {
    try {
      return !engine.versions(model, -1).isEmpty();
    } catch (FaultException e) {
      return false; // then it is the servers' business
    }
  }

  @Override
  public String instead(String model) {
    String other = fallbacks.containsKey(model) && !isServing(model) ? standIn(model) : null;
    return other == null ? model : other;
  }

  @Override
  public @Nullable String standIn(String model) {
    String fallback = fallbacks.get(model);
    return fallback != null && isServing(fallback) ? fallback : null;
  }

  private boolean isServing(String model) {
    if (upstreams.isKnown(model)) {
      return upstreams.isServing(model);
    }
    ModelConfig config = ensembles.find(model);
    return config != null && missingStep(config) == null;
  }

  /** The first step that nobody serves; null when the model can run. */
  private @Nullable String missingStep(ModelConfig config) {
    for (var step : config.getEnsembleScheduling().getStepList()) {
      String name = step.getModelName();
      if (!isStep(name) && !upstreams.isServing(name)) {
        return name;
      }
    }
    return null;
  }

  @Override
  public ModelConfig config(String model, long version) {
    if (upstreams.isKnown(model)) {
      return upstreams.config(model);
    }
    ModelConfig here = ensembles.find(model);
    if (here == null) {
      return upstreams.config(model); // says whether it is unknown or out of reach
    }
    String missing = missingStep(here);
    if (missing != null && !upstreams.isKnown(missing)) {
      var _ = upstreams.config(missing);
    }
    return here;
  }

  /** Of a server's model there is no load to tell: what it was loaded from counts. */
  @Override
  public @Nullable Identity identity(String model, long version) {
    ModelConfig ensemble = ensembles.find(model);
    List<Long> loads = new ArrayList<>();
    List<String> contents = new ArrayList<>();
    if (only != null) {
      contents.add("on " + only); // what another has under the same name may be another
    }
    if (upstreams.isKnown(model) || ensemble == null) {
      List<String> known = upstreams.contents(model);
      contents.addAll(known);
      return known.isEmpty() ? null : new Identity(List.of(), contents);
    }
    contents.add(texts.computeIfAbsent(model, _ -> ensemble.toString()));
    for (var step : ensemble.getEnsembleScheduling().getStepList()) {
      if (isStep(step.getModelName())) {
        ModelIdentity here = engine.identity(step.getModelName(), -1);
        loads.addAll(here.loads());
        contents.addAll(here.contents());
      } else {
        contents.addAll(upstreams.contents(step.getModelName()));
      }
    }
    return new Identity(loads, contents);
  }

  /** Servers do not tell labels: those of the steps here are taken. */
  @Override
  public List<String> labels(String model, long version, String output) {
    ModelConfig ensemble = ensembles.find(model);
    ImageEnsembles.Made made = ensemble == null ? null : ImageEnsembles.maker(ensemble, output);
    if (made == null || !isStep(made.model())) {
      return List.of();
    }
    return engine.labels(made.model(), -1, made.output());
  }

  @Override
  public Serving on(@Nullable Endpoint upstream) {
    if (upstream == null) {
      return this;
    }
    if (!upstreams.isTarget(upstream)) {
      throw FaultException.of(
          Fault.INVALID_ARGUMENT,
          "upstream: " + upstream + " (expected: one of those of --upstream)");
    }
    return new RemoteServing(engine, upstreams, ensembles, fallbacks, upstream);
  }

  @Override
  public List<IndexEntry> index() {
    List<IndexEntry> entries = new ArrayList<>();
    Set<String> remote = new HashSet<>();
    upstreams
        .models()
        .forEach(
            (name, servers) -> {
              remote.add(name);
              boolean serving = upstreams.isServing(name);
              entries.add(
                  new IndexEntry(
                      name,
                      1,
                      serving ? IndexEntry.State.READY : IndexEntry.State.UNAVAILABLE,
                      serving ? "" : "its breakers are open",
                      "on "
                          + String.join(", ", servers.stream().map(Endpoint::toString).toList())));
            });
    ensembles
        .all()
        .forEach(
            (name, config) -> {
              if (!remote.contains(name)) {
                entries.add(here(name, config));
              }
            });
    entries.sort((a, b) -> a.model().compareTo(b.model()));
    return entries;
  }

  /** An ensemble of this process, which is only as ready as its steps. */
  private IndexEntry here(String name, ModelConfig config) {
    String missing = missingStep(config);
    return missing == null
        ? new IndexEntry(name, 1, IndexEntry.State.READY, "", "image steps here")
        : new IndexEntry(
            name,
            1,
            IndexEntry.State.UNAVAILABLE,
            "no upstream serves '" + missing + "'",
            "image steps here");
  }

  /** Servers do not tell whether they allow it; those that do not say so when asked. */
  @Override
  public boolean loadsOnRequest() {
    return true;
  }

  @Override
  public void load(String model) {
    upstreams.load(model);
  }

  @Override
  public void unload(String model, boolean dependents) {
    upstreams.unload(model, dependents);
  }

  @Override
  public Health health() {
    if (!engine.isLive() || engine.isWithdrawn()) {
      return Health.ENDING;
    }
    if (upstreams.isLive()) {
      return engine.started().isDone() ? Health.GOOD : Health.starting("image steps are loading");
    }
    StringBuilder why = new StringBuilder("no upstream serves");
    for (UpstreamStatus.Target target : upstreams.status().targets()) {
      why.append("; ").append(target.endpoint()).append(' ').append(target.state());
      if (!target.reason().isEmpty()) {
        why.append(" (").append(target.reason()).append(')');
      }
    }
    return new Health(false, "unavailable", why.toString());
  }

  @Override
  public UpstreamStatus upstreams() {
    return upstreams.status();
  }

  @Override
  public SortedMap<Long, Long> batches() {
    SortedMap<Long, Long> batches = new TreeMap<>();
    for (UpstreamStatus.Target target : upstreams.status().targets()) {
      target.batches().forEach((size, count) -> batches.merge(size, count, Long::sum));
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
