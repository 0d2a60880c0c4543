package dev.nereid.engine;

import dev.nereid.core.Fault;
import dev.nereid.core.FaultException;
import dev.nereid.core.InferRequest;
import dev.nereid.core.MemoryPool;
import dev.nereid.scheduler.ModelScheduler;
import dev.nereid.telemetry.Metrics;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The models known to an engine, by name. Thread-safe; looking one up takes no lock.
 *
 * <p><b>Changes.</b> One at a time, and each is seen at once and whole: a model's versions and the
 * ensembles made of them are replaced together. What is replaced is found by nobody from then on,
 * finishes the requests it has, and is freed. A request that found it just before and comes too
 * late is handed to what took its place.
 */
final class ModelCatalog {
  private static final Logger LOG = LoggerFactory.getLogger(ModelCatalog.class);

  private final Metrics metrics;
  private final MemoryPool memory;
  private final ReentrantLock changing = new ReentrantLock();
  private final Condition retired = changing.newCondition();

  /** In the order of names; never modified. */
  private volatile Map<String, ServedModel> models = Map.of();

  // guarded by changing
  private final EnsembleBinding binding;
  private final Set<ServedVersion> leaving = Collections.newSetFromMap(new IdentityHashMap<>());
  private boolean closed;

  ModelCatalog(Metrics metrics, MemoryPool memory, EnsembleSchedulers ensembles) {
    this.metrics = metrics;
    this.memory = memory;
    binding = new EnsembleBinding(ensembles, this::redirect);
  }

  /** Changes one model, and the ensembles that it is a step of; gives the model as it is then. */
  ServedModel change(String name, UnaryOperator<ServedModel> change) {
    List<ServedVersion> replaced;
    ServedModel result;
    changing.lock();
    try {
      Map<String, ServedModel> next = new TreeMap<>(models);
      next.put(name, change.apply(next.getOrDefault(name, ServedModel.named(name))));
      binding.bindAll(next);
      result = next.getOrDefault(name, ServedModel.named(name));
      Set<ServedVersion> unwanted = closed ? served(next) : Set.of();
      if (closed) {
        next.clear();
      }
      replaced = publish(next, unwanted);
    } finally {
      changing.unlock();
    }
    replaced.forEach(version -> Thread.startVirtualThread(() -> retire(version)));
    return result;
  }

  /**
   * Makes these the models; gives what was served before, or is unwanted, and is not served now.
   */
  private List<ServedVersion> publish(Map<String, ServedModel> next, Set<ServedVersion> unwanted) {
    Set<ServedVersion> before = served(models);
    Set<ServedVersion> now = served(next);
    List<ServedVersion> replaced = new ArrayList<>(unwanted);
    before.stream().filter(version -> !now.contains(version)).forEach(replaced::add);
    replaced.forEach(metrics::unregister);
    now.stream().filter(version -> !before.contains(version)).forEach(metrics::register);
    leaving.addAll(replaced);
    models = Collections.unmodifiableMap(new LinkedHashMap<>(next));
    return replaced;
  }

  private static Set<ServedVersion> served(Map<String, ServedModel> models) {
    Set<ServedVersion> served = Collections.newSetFromMap(new IdentityHashMap<>());
    models.values().forEach(model -> served.addAll(model.versions().values()));
    return served;
  }

  private void retire(ServedVersion version) {
    try {
      version.retire();
      LOG.info("successfully unloaded {}", version);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    } catch (RuntimeException e) {
      LOG.error("unloading {} failed", version, e);
    } finally {
      gone(version);
      memory.trim();
    }
  }

  private void gone(ServedVersion version) {
    changing.lock();
    try {
      leaving.remove(version);
      binding.forget(version);
      boolean last =
          leaving.stream()
              .noneMatch(
                  other ->
                      other.name().equals(version.name()) && other.version() == version.version());
      if (last && models.containsKey(version.name())) {
        var _ = change(version.name(), model -> model.unloaded(version.version()));
      }
      retired.signalAll();
    } finally {
      changing.unlock();
    }
  }

  /** What came for a version that took no more: to the one in its place, if there is one. */
  void redirect(ServedVersion stopped, List<InferRequest> requests) {
    for (InferRequest request : requests) {
      try {
        ServedVersion now = require(stopped.name(), request.call().version());
        if (now == stopped) {
          request.fail(ModelScheduler.STOPPING); // the server ends
        } else {
          now.submit(List.of(request));
        }
      } catch (FaultException e) {
        request.fail(e.failure());
      }
    }
  }

  /** Throws when an ensemble does not fit the models as they are. */
  void check(EnsembleDefinition definition) {
    changing.lock();
    try {
      binding.check(definition, models);
    } finally {
      changing.unlock();
    }
  }

  /** A model by name; null when there is none. */
  @Nullable ServedModel find(String name) {
    return models.get(name);
  }

  /**
   * A model by name.
   *
   * @throws FaultException when there is none
   */
  ServedModel require(String name) {
    ServedModel model = models.get(name);
    if (model == null) {
      throw FaultException.of(
          Fault.NOT_FOUND, "Request for unknown model: '" + name + "' is not found");
    }
    return model;
  }

  /** A version that takes requests; -1 for the highest. */
  ServedVersion require(String name, long version) {
    return require(name).require(version);
  }

  /** All models, in the order of their names. */
  Map<String, ServedModel> all() {
    return models;
  }

  /** Waits until what was replaced is freed; false when some was left at the end. */
  boolean awaitRetired(Duration atMost) throws InterruptedException {
    long left = atMost.toNanos();
    changing.lock();
    try {
      while (!leaving.isEmpty()) {
        if (left <= 0) {
          return false;
        }
        left = retired.awaitNanos(left);
      }
      return true;
    } finally {
      changing.unlock();
    }
  }

  /** Forgets everything, for good, and gives back what was served. */
  List<ServedVersion> close() {
    changing.lock();
    try {
      closed = true;
      Set<ServedVersion> served = served(models);
      served.forEach(metrics::unregister);
      models = Map.of();
      return List.copyOf(served);
    } finally {
      changing.unlock();
    }
  }
}
