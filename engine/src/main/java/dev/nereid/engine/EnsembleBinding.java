package dev.nereid.engine;

import dev.nereid.config.proto.ModelEnsembling;
import dev.nereid.core.Fault;
import dev.nereid.core.FaultException;
import dev.nereid.core.InferRequest;
import dev.nereid.engine.EnsembleDefinition.StepKey;
import dev.nereid.engine.IndexEntry.State;
import dev.nereid.scheduler.ModelScheduler;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.BiConsumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Makes ensembles out of their definitions and the versions of their steps that are served now. An
 * ensemble keeps to the versions it was made of, so that one request meets one set of them; when a
 * step is replaced, a new ensemble is made, and the old one finishes with the old step.
 *
 * <p>Confined to the lock of the {@link ModelCatalog}.
 */
final class EnsembleBinding {
  private static final Logger LOG = LoggerFactory.getLogger(EnsembleBinding.class);

  private final EnsembleSchedulers schedulers;
  private final BiConsumer<ServedVersion, List<InferRequest>> redirect;

  /** What each bound ensemble is made of. */
  private final IdentityHashMap<ServedVersion, Bound> bounds = new IdentityHashMap<>();

  private record Bound(EnsembleDefinition definition, Map<StepKey, ServedVersion> steps) {}

  /** Why an ensemble cannot be bound: what it needs may still come, or not. */
  private record Unbound(State state, String reason) {}

  EnsembleBinding(
      EnsembleSchedulers schedulers, BiConsumer<ServedVersion, List<InferRequest>> redirect) {
    this.schedulers = schedulers;
    this.redirect = redirect;
  }

  /**
   * Binds every ensemble among these models anew whose steps are not what it was made of.
   *
   * @param models by name; changed in place
   */
  void bindAll(Map<String, ServedModel> models) {
    Pass pass = new Pass(models);
    List.copyOf(models.keySet()).forEach(pass::bind);
  }

  /** A retired ensemble needs no memory here. */
  void forget(ServedVersion version) {
    bounds.remove(version);
  }

  /**
   * Whether a definition fits the models as they are.
   *
   * @throws FaultException when it does not, or a step is not served
   */
  void check(EnsembleDefinition definition, Map<String, ServedModel> models) {
    Pass pass = new Pass(new HashMap<>(models));
    Map<StepKey, ServedVersion> steps = new HashMap<>();
    Unbound missing = pass.find(definition, steps);
    if (missing != null) {
      throw FaultException.of(Fault.INVALID_ARGUMENT, missing.reason);
    }
    var _ = definition.over(steps);
  }

  /** One look at all ensembles, each after the ensembles among its steps. */
  private final class Pass {
    private final Map<String, ServedModel> models;
    private final Set<String> done = new HashSet<>();
    private final Set<String> path = new HashSet<>();

    Pass(Map<String, ServedModel> models) {
      this.models = models;
    }

    void bind(String name) {
      ServedModel model = models.get(name);
      if (model == null || model.ensembles().isEmpty() || !done.add(name)) {
        return;
      }
      path.add(name);
      for (EnsembleDefinition definition : List.copyOf(model.ensembles().values())) {
        model = bound(model, definition);
      }
      path.remove(name);
      models.put(name, model);
    }

    private ServedModel bound(ServedModel model, EnsembleDefinition definition) {
      Map<StepKey, ServedVersion> steps = new HashMap<>();
      Unbound unbound = find(definition, steps);
      ServedVersion before = model.versions().get(definition.version());
      if (unbound == null) {
        Bound now = new Bound(definition, steps);
        if (before != null && isSame(bounds.get(before), now)) {
          return model;
        }
        try {
          return model.serving(make(now));
        } catch (FaultException e) {
          unbound = new Unbound(State.UNAVAILABLE, e.failure().message());
        }
      }
      tell(model, definition, unbound);
      return model.notServing(definition.version(), unbound.state, unbound.reason);
    }

    /** Looks the steps up; tells why not when one is missing. */
    private @Nullable Unbound find(
        EnsembleDefinition definition, Map<StepKey, ServedVersion> steps) {
      String name = definition.spec().name();
      for (ModelEnsembling.Step each : definition.steps()) {
        StepKey key = StepKey.of(each);
        if (path.contains(key.model()) || name.equals(key.model())) {
          return new Unbound(
              State.UNAVAILABLE,
              "circular dependency between ensembles: '%s' and '%s'".formatted(name, key.model()));
        }
        bind(key.model());
        ServedModel step = models.get(key.model());
        ServedVersion served = step == null ? null : served(step, key.version());
        if (served == null) {
          boolean loading = step != null && step.isLoading();
          return new Unbound(
              loading ? State.LOADING : State.UNAVAILABLE,
              loading
                  ? "waits for '%s'".formatted(key.model())
                  : "ensemble '%s' depends on '%s' which has no loaded version"
                      .formatted(name, key.model()));
        }
        steps.put(key, served);
      }
      return null;
    }
  }

  private static @Nullable ServedVersion served(ServedModel step, long version) {
    if (step.versions().isEmpty()) {
      return null;
    }
    return version < 0 ? step.versions().lastEntry().getValue() : step.versions().get(version);
  }

  private static boolean isSame(@Nullable Bound before, Bound now) {
    return before != null
        && before.definition.statistics() == now.definition.statistics()
        && before.steps.equals(now.steps);
  }

  private ServedVersion make(Bound bound) {
    EnsembleDefinition definition = bound.definition;
    VersionFacts facts = definition.over(bound.steps);
    ModelScheduler scheduler =
        schedulers.make(definition, (model, version) -> step(bound, model, version));
    ServedVersion made =
        new ServedVersion(facts, scheduler, definition.statistics(), redirect, () -> {});
    new ArrayList<>(bound.steps.values()).forEach(step -> step.usedBy(made));
    bounds.put(made, bound);
    return made;
  }

  private static ServedVersion step(Bound bound, String model, long version) {
    ServedVersion step = bound.steps.get(new StepKey(model, version));
    if (step == null) {
      throw FaultException.of(Fault.INTERNAL, "step '" + model + "': not bound");
    }
    return step;
  }

  private static void tell(ServedModel model, EnsembleDefinition definition, Unbound unbound) {
    IndexEntry before = model.entries().get(definition.version());
    boolean news = before == null || !before.reason().equals(unbound.reason);
    if (unbound.state == State.UNAVAILABLE && news) {
      LOG.error(
          "failed to load '{}' version {}: {}", model.name(), definition.version(), unbound.reason);
    }
  }
}
