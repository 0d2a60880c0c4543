package dev.nereid.engine;

import dev.nereid.config.ConfigDigest;
import dev.nereid.config.ModelSpec;
import dev.nereid.config.RequestCheck;
import dev.nereid.core.Failure;
import dev.nereid.core.InferRequest;
import dev.nereid.core.RequestedOutput;
import dev.nereid.scheduler.ExecutionStatistics;
import dev.nereid.scheduler.ModelScheduler;
import dev.nereid.scheduler.StepTarget;
import dev.nereid.telemetry.Meter;
import dev.nereid.telemetry.MetricSource;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.BiConsumer;
import java.util.function.LongConsumer;

/**
 * One load of one version of a model, from when it takes requests until it is retired. Thread-safe;
 * compared by identity.
 */
final class ServedVersion implements StepTarget, MetricSource {
  /** Longer than any server runs. */
  private static final Duration WITHOUT_END = Duration.ofDays(3650);

  private final VersionFacts facts;
  private final ModelScheduler scheduler;
  private final ExecutionStatistics statistics;
  private final BiConsumer<ServedVersion, List<InferRequest>> redirect;
  private final Runnable release;
  private final String content;

  /** Ensembles made of this version that are not retired yet. */
  private final Set<ServedVersion> users = ConcurrentHashMap.newKeySet();

  private final CompletableFuture<Void> gone = new CompletableFuture<>();

  /**
   * A version that takes requests.
   *
   * @param redirect is given what comes after the version began to drain
   * @param release is run when the version is closed
   */
  ServedVersion(
      VersionFacts facts,
      ModelScheduler scheduler,
      ExecutionStatistics statistics,
      BiConsumer<ServedVersion, List<InferRequest>> redirect,
      Runnable release) {
    this.facts = facts;
    this.scheduler = scheduler;
    this.statistics = statistics;
    this.redirect = redirect;
    this.release = release;
    content =
        "%s/%d %s %s"
            .formatted(
                facts.name(),
                facts.version(),
                ConfigDigest.of(facts.spec().config()),
                facts.files());
  }

  /** Checks requests and hands the good ones to the scheduler together. */
  @Override
  public void submit(List<InferRequest> requests) {
    List<InferRequest> good = good(requests);
    if (!good.isEmpty() && !scheduler.submit(good)) {
      redirect.accept(this, good);
    }
  }

  /** As {@link #submit}, by {@link ModelScheduler#submitInline}. */
  void submitInline(List<InferRequest> requests) {
    List<InferRequest> good = good(requests);
    if (!good.isEmpty() && !scheduler.submitInline(good)) {
      redirect.accept(this, good);
    }
  }

  /** The requests that fit the model; the others are told why they do not. */
  private List<InferRequest> good(List<InferRequest> requests) {
    List<InferRequest> good = null;
    for (int i = 0; i < requests.size(); i++) {
      tellIfWanted(requests.get(i));
      Failure failure = RequestCheck.check(facts.spec(), requests.get(i));
      if (failure != null) {
        good = good == null ? new ArrayList<>(requests.subList(0, i)) : good;
        statistics.refused(failure.fault());
        requests.get(i).fail(failure);
      } else if (good != null) {
        good.add(requests.get(i));
      }
    }
    return good == null ? requests : good;
  }

  @Override
  public void identify(LongConsumer loads) {
    scheduler.identify(loads);
  }

  /** What it was loaded from; the same for every load of the same. */
  String content() {
    return content;
  }

  /** Classes are made of the answer by the labels of the load that gave it, gone or not. */
  private void tellIfWanted(InferRequest request) {
    List<RequestedOutput> outputs = request.call().outputs();
    for (int i = 0; i < outputs.size(); i++) {
      if (outputs.get(i).classes() > 0) {
        request.reply().takenBy(facts);
        return;
      }
    }
  }

  ModelSpec spec() {
    return facts.spec();
  }

  String name() {
    return facts.name();
  }

  long version() {
    return facts.version();
  }

  Map<String, List<String>> labels() {
    return facts.outputLabels();
  }

  String summary() {
    return facts.summary();
  }

  ModelScheduler scheduler() {
    return scheduler;
  }

  ExecutionStatistics statistics() {
    return statistics;
  }

  /** An ensemble is made of this version, and needs it until it is retired itself. */
  void usedBy(ServedVersion ensemble) {
    users.add(ensemble);
    var _ = ensemble.gone.thenRun(() -> users.remove(ensemble));
  }

  /**
   * Waits for the ensembles made of it, then for the requests it took, however long that takes;
   * then frees everything. Called once, when nobody can find the version any more.
   */
  void retire() throws InterruptedException {
    for (ServedVersion user : List.copyOf(users)) {
      user.gone.join();
    }
    scheduler.drain(WITHOUT_END);
    close();
  }

  /** Lets running requests finish for a while, fails those waiting, and frees everything. */
  void close() {
    try {
      scheduler.close();
    } finally {
      release.run();
      gone.complete(null);
    }
  }

  @Override
  public void collect(Sink sink) {
    Sink tagged = sink.tagged(facts.metricTags());
    statistics.collect(tagged);
    String number = Long.toString(version());
    tagged.sample(Meter.PENDING_REQUESTS, scheduler.pending(), name(), number);
    tagged.sample(Meter.LOAD_DURATION, facts.loadSeconds(), name(), number);
  }

  @Override
  public String toString() {
    return "'" + name() + "' version " + version();
  }
}
