package dev.nereid.engine;

import dev.nereid.core.FaultException;
import dev.nereid.core.Ticker;
import dev.nereid.repository.ModelEntry;
import dev.nereid.repository.ModelRepository;
import dev.nereid.repository.RepositorySnapshot;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Keeps what is served like what lies in the repositories.
 *
 * <p>A difference counts when two looks, one after another, saw the same: a model that is still
 * being copied, or deleted, looks different each time and is left alone. A repository that cannot
 * be read changes nothing. What failed is tried again when its files change, and otherwise after
 * pauses that grow.
 *
 * <p><b>Threading.</b> {@link #look} is called by one thread at a time and does not wait for loads.
 */
final class RepositoryPoll {
  private static final Logger LOG = LoggerFactory.getLogger(RepositoryPoll.class);
  private static final long FIRST_PAUSE = Duration.ofSeconds(15).toNanos();
  private static final int DOUBLINGS = 6;

  private final ModelRepository repository;
  private final ModelCatalog catalog;
  private final ModelControl control;
  private final Ticker ticker;

  /** Models whose load has not ended. */
  private final Set<String> busy = ConcurrentHashMap.newKeySet();

  /** The last failure of each model that failed. */
  private final Map<String, Failed> failed = new ConcurrentHashMap<>();

  private RepositorySnapshot seen = RepositorySnapshot.EMPTY;
  private String complaint = "";
  private Set<String> warned = Set.of();

  /** A load that failed, how often it has, and when it may be tried again. */
  private record Failed(ModelEntry entry, int times, long againNanos) {}

  RepositoryPoll(
      ModelRepository repository, ModelCatalog catalog, ModelControl control, Ticker ticker) {
    this.repository = repository;
    this.catalog = catalog;
    this.control = control;
    this.ticker = ticker;
  }

  /** What was seen at the start, and is being loaded. */
  void begin(RepositorySnapshot first) {
    seen = first;
    warned = Set.copyOf(first.warnings());
  }

  /** Looks at the repositories, and begins to load and unload what differs and is settled. */
  void look() {
    try {
      RepositorySnapshot now = repository.scan();
      List<Path> vanished = RepositorySnapshot.vanished(seen, now);
      if (!vanished.isEmpty()) {
        complain("model repository " + vanished + ": is another directory now, and empty");
        return;
      }
      complain("");
      now.warnings().stream().filter(warning -> !warned.contains(warning)).forEach(LOG::warn);
      warned = Set.copyOf(now.warnings());
      RepositorySnapshot before = seen;
      seen = now;
      Set<String> names = new TreeSet<>(now.models().keySet());
      catalog.all().values().stream()
          .filter(ServedModel::isKnown)
          .forEach(model -> names.add(model.name()));
      names.stream()
          .filter(name -> RepositorySnapshot.isSettled(before, now, name))
          .forEach(name -> apply(name, now.model(name)));
    } catch (FaultException e) {
      complain(e.failure().message());
    } catch (RuntimeException e) {
      LOG.error("looking at the repositories failed", e);
    }
  }

  /** Says once that, and once that no more, the repositories cannot be read. */
  private void complain(String what) {
    if (!what.isEmpty() && complaint.isEmpty()) {
      LOG.error("{}; what is served stays as it is", what);
    } else if (what.isEmpty() && !complaint.isEmpty()) {
      LOG.info("the model repositories can be read again");
    }
    complaint = what;
  }

  private void apply(String name, @Nullable ModelEntry entry) {
    ServedModel model = catalog.find(name);
    if (entry == null) {
      boolean gone = model == null || (model.source() == null && model.isSound());
      if (!gone && busy.add(name)) {
        failed.remove(name);
        LOG.info("'{}' is in no repository any more", name);
        Thread.startVirtualThread(() -> drop(name));
      }
      return;
    }
    if (!isServed(model, entry) && isDue(entry) && busy.add(name)) {
      var _ = control.loadFound(entry).whenComplete((_, failure) -> ended(entry, failure));
    }
  }

  private void drop(String name) {
    try {
      control.drop(name);
    } finally {
      busy.remove(name);
    }
  }

  private static boolean isServed(@Nullable ServedModel model, ModelEntry entry) {
    Source source = model == null ? null : model.source();
    return model != null && source != null && source.entry().equals(entry) && model.isSound();
  }

  private boolean isDue(ModelEntry entry) {
    Failed last = failed.get(entry.name());
    return last == null || !last.entry.equals(entry) || ticker.nanos() - last.againNanos >= 0;
  }

  private void ended(ModelEntry entry, @Nullable Throwable failure) {
    if (failure == null) {
      failed.remove(entry.name());
    } else {
      Failed last = failed.get(entry.name());
      int times = last != null && last.entry.equals(entry) ? last.times + 1 : 0;
      long pause = FIRST_PAUSE << Math.min(times, DOUBLINGS);
      failed.put(entry.name(), new Failed(entry, times, ticker.nanos() + pause));
    }
    busy.remove(entry.name());
  }

  /** Models whose load or unload has begun and not ended. */
  Set<String> busy() {
    return new HashSet<>(busy);
  }
}
