package dev.nereid.scheduler;

import dev.nereid.config.proto.ModelConfig;
import dev.nereid.config.proto.ModelOutput;
import dev.nereid.core.Failure;
import dev.nereid.core.FaultException;
import dev.nereid.core.InferRequest;
import dev.nereid.core.InferResponse;
import dev.nereid.core.Lease;
import dev.nereid.core.Tensor;
import dev.nereid.core.Ticker;
import dev.nereid.core.Timings;
import dev.nereid.scheduler.Flight.Ended;
import dev.nereid.scheduler.Flight.Place;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.LongConsumer;
import java.util.stream.LongStream;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Stands before the scheduler of a model whose answers are cached. A request that was answered
 * before is answered at once; of equal ones that come side by side the first runs and the others
 * share its answer. A model without a cache never meets this class.
 */
public final class CachingScheduler implements ModelScheduler {
  /*
   * Ownership. A request is this class's from submit to its outcome. What is handed on is a request
   * of the flight's, over tensors that stay the leader's.
   * Order. The answer is kept first, then the flight leaves the table, then its requests are
   * answered: who looks later finds the one or the other. With preserve_ordering every outcome
   * passes through the order in which requests came.
   * Failure. It goes to every request of the flight and is not kept, unless it is the leader's own:
   * then the next one runs.
   * Shutdown. Draining takes no new requests; closing fails those that the inner scheduler refuses.
   * Locks. The table's, then a flight's; the inner scheduler's, then a flight's. Neither is held
   * while another model or a reply is called.
   */
  private static final Logger LOG = LoggerFactory.getLogger(CachingScheduler.class);

  /** Inputs up to here are read by the thread that brings them: some 10 us. */
  private static final int SHORT_INPUTS = 64 << 10;

  private final ModelScheduler inner;
  private final ResponseCache cache;
  private final List<String> outputs;
  private final Ticker ticker;
  private final ExecutionStatistics statistics;
  private final @Nullable AnswerOrder order;
  private final long owner = LoadNumbers.next();
  private final AtomicLong sequence = new AtomicLong();
  private final ConcurrentHashMap<Place, Flight> flights = new ConcurrentHashMap<>();
  private final ThreadLocal<Outbox> outboxes = ThreadLocal.withInitial(Outbox::new);

  private final TakenRequests taken = new TakenRequests();

  /** What one thread holds until it flushes. Confined to its thread. */
  private final class Outbox {
    private List<InferRequest> runs = new ArrayList<>(2);
    private final HeldReplies replies = new HeldReplies();

    void flush() {
      while (!runs.isEmpty()) {
        List<InferRequest> ready = runs;
        runs = new ArrayList<>(2);
        if (!inner.submit(ready)) {
          ready.forEach(run -> run.fail(STOPPING)); // closed meanwhile
        }
      }
      replies.flush();
    }
  }

  /**
   * Puts a cache before a scheduler.
   *
   * @param inner closed by this one
   * @param statistics the inner scheduler's own
   */
  public CachingScheduler(
      ModelScheduler inner,
      ModelConfig config,
      ResponseCache cache,
      Ticker ticker,
      ExecutionStatistics statistics) {
    this.inner = inner;
    this.cache = cache;
    outputs = config.getOutputList().stream().map(ModelOutput::getName).toList();
    this.ticker = ticker;
    this.statistics = statistics;
    order = config.getDynamicBatching().getPreserveOrdering() ? new AnswerOrder() : null;
    statistics.cached();
  }

  @Override
  public boolean submit(List<InferRequest> requests) {
    if (!taken.enter(requests.size())) {
      return false;
    }
    long now = ticker.nanos();
    for (int i = 0; i < requests.size(); i++) {
      InferRequest request = requests.get(i);
      Visit visit = new Visit(request, now, sequence.getAndIncrement());
      if (request.inputBytes() <= SHORT_INPUTS) {
        lookUp(visit);
      } else if (!cache.lookUpLater(() -> lookUpAndFlush(visit))) {
        run(new Flight(this, null, visit));
      }
    }
    flush();
    return true;
  }

  private void lookUpAndFlush(Visit visit) {
    lookUp(visit);
    flush();
  }

  private void lookUp(Visit visit) {
    Place place = place(visit.request);
    if (place == null) {
      run(new Flight(this, null, visit));
      return;
    }
    if (answeredFromCache(place, visit)) {
      return;
    }
    visit.lookedUpNanos = ticker.nanos();
    Flight own = new Flight(this, place, visit);
    Flight flight = flights.compute(place, (_, there) -> there == null ? own : there.with(visit));
    if (flight.equals(own)) {
      landOrRun(own, place);
    }
  }

  /** An equal flight may have landed between the look at the cache and the one at the table. */
  private void landOrRun(Flight flight, Place place) {
    CachedResponse kept = cache.find(place.key());
    InferResponse answer = kept == null ? null : share(kept, flight.leader());
    if (answer == null) {
      run(flight);
      return;
    }
    flights.remove(place, flight);
    for (Visit follower : flight.followers()) {
      shareAnswer(follower, answer);
    }
    hit(flight.leader(), answer);
  }

  /** Where a request's answer is kept; null when that cannot be told. */
  private @Nullable Place place(InferRequest request) {
    try {
      long[] loads = loads();
      return new Place(
          cache.digest().of(request, loads, outputs), request.call().priority(), loads);
    } catch (FaultException _) {
      return null; // a step cannot serve now, and the ensemble will tell so
    } catch (RuntimeException e) {
      LOG.error("request '{}': not looked up in the cache", request.call().id(), e);
      return null;
    }
  }

  private long[] loads() {
    LongStream.Builder loads = LongStream.builder();
    loads.accept(owner);
    inner.identify(loads);
    return loads.build().toArray();
  }

  private boolean answeredFromCache(Place place, Visit visit) {
    CachedResponse kept = cache.find(place.key());
    InferResponse answer = kept == null ? null : share(kept, visit);
    if (answer == null) {
      return false;
    }
    hit(visit, answer);
    return true;
  }

  private @Nullable InferResponse share(CachedResponse kept, Visit visit) {
    long from = visit.arrivedNanos;
    var times = new Timings(from, from, from, from, ticker.nanos());
    return kept.share(visit.request.call().id(), times);
  }

  private void hit(Visit visit, InferResponse answer) {
    statistics.hit(ticker.nanos() - visit.arrivedNanos, 0, false);
    give(visit, answer, null);
  }

  private void run(Flight flight) {
    outboxes.get().runs.add(flight.run());
  }

  /** The model has answered. */
  void answered(Flight flight, InferResponse response) {
    long began = ticker.nanos();
    Place place = flight.place();
    if (place != null) {
      if (Arrays.equals(place.loads(), loadsNow())) {
        cache.store(place.key(), owner, response);
      }
      flights.remove(place, flight);
    }
    Visit leader = flight.leader();
    statistics.missed(leader.lookUpNanos() + ticker.nanos() - began);
    for (Visit follower : flight.followers()) {
      shareAnswer(follower, response);
    }
    give(leader, response, null);
  }

  /** As {@link #loads}; empty when a step cannot serve any more. */
  private long[] loadsNow() {
    try {
      return loads();
    } catch (FaultException _) {
      return new long[0];
    }
  }

  private void shareAnswer(Visit follower, InferResponse response) {
    List<Tensor> outputs = new ArrayList<>(response.outputs().size());
    List<Lease> leases = new ArrayList<>(response.outputs().size());
    for (Tensor output : response.outputs()) {
      Lease share = output.lease().share();
      leases.add(share);
      outputs.add(output.in(share));
    }
    long now = ticker.nanos();
    long from = follower.arrivedNanos;
    statistics.hit(now - from, now - follower.lookedUpNanos, true);
    give(
        follower,
        new InferResponse(
            response.model(),
            response.version(),
            follower.request.call().id(),
            response.parameters(),
            outputs,
            leases,
            new Timings(from, now, now, now, now)),
        null);
  }

  /** The model has failed, or never ran. */
  void failed(Flight flight, Failure failure) {
    Visit leader = flight.leader();
    Place place = flight.place();
    if (place == null) {
      give(leader, null, failure);
      return;
    }
    if (failure.fault().isCallersOwn()) {
      List<Ended> ended = new ArrayList<>();
      long now = ticker.nanos();
      Flight again =
          flights.computeIfPresent(
              place, (_, same) -> same.replaceLeader(now, ended) ? same : null);
      give(leader, null, failure);
      end(ended);
      if (again != null) {
        run(again);
      }
      return;
    }
    flights.remove(place, flight);
    for (Visit follower : flight.followers()) {
      statistics.failed(failure.fault(), ticker.nanos() - follower.arrivedNanos);
      give(follower, null, failure);
    }
    give(leader, null, failure);
  }

  private void end(List<Ended> ended) {
    for (Ended each : ended) {
      long nanos = ticker.nanos() - each.visit().arrivedNanos;
      statistics.failed(each.failure().fault(), nanos);
      give(each.visit(), null, each.failure());
    }
  }

  /** Gives a request its outcome, which is exactly one of the two, at its turn. */
  private void give(Visit visit, @Nullable InferResponse response, @Nullable Failure failure) {
    if (order == null) {
      hold(visit.request, response, failure);
      outboxes.get().replies.add(visit.request.reply());
      taken.left();
      return;
    }
    order.send(
        visit.sequence,
        () -> {
          hold(visit.request, response, failure);
          visit.request.reply().flush();
          taken.left();
        });
  }

  private static void hold(
      InferRequest request, @Nullable InferResponse response, @Nullable Failure failure) {
    try {
      if (response != null) {
        request.hold(response);
      } else if (failure != null) {
        request.hold(failure);
      }
    } catch (RuntimeException e) {
      LOG.error("reply to request '{}' failed", request.call().id(), e);
    }
  }

  void flush() {
    outboxes.get().flush();
  }

  @Override
  public int pending() {
    return inner.pending();
  }

  @Override
  public void sweep() {
    if (!flights.isEmpty()) {
      long now = ticker.nanos();
      List<Ended> ended = new ArrayList<>();
      flights.values().forEach(flight -> flight.sweep(now, ended));
      end(ended);
      flush();
    }
    inner.sweep();
  }

  @Override
  public void identify(LongConsumer loads) {
    inner.identify(loads);
  }

  @Override
  public boolean drain(Duration atMost) throws InterruptedException {
    long left = taken.drain(atMost);
    return left > 0 && inner.drain(Duration.ofNanos(left));
  }

  @Override
  public void close() {
    taken.refuse();
    inner.close();
    try {
      if (taken.drain(CLOSE_PATIENCE) <= 0) {
        LOG.error("a cached model is closed while requests have no outcome");
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    cache.forget(owner);
  }
}
