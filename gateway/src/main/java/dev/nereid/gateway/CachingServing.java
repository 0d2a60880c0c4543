package dev.nereid.gateway;

import dev.nereid.client.Endpoint;
import dev.nereid.core.Failure;
import dev.nereid.core.Fault;
import dev.nereid.core.FaultException;
import dev.nereid.core.InferRequest;
import dev.nereid.core.InferResponse;
import dev.nereid.gateway.ResultFlight.Asked;
import dev.nereid.gateway.ResultFlight.Ended;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executor;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Stands before what runs the models, and answers what was answered before. */
final class CachingServing extends ForwardingServing {
  /*
   * Order. A request is looked up as the leader of a flight: in this process, then among gateways,
   * then by running it. Its result is kept first, then the flight leaves the table, then its
   * requests are answered: who comes later finds the one or the other.
   * Time. Whoever waits for another's run is told at its own deadline, and when it has left, not
   * when that run ends.
   * Failure. It goes to all of a flight and is not kept, unless it is the leader's own (withdrawn,
   * late): then the next one leads.
   * Replacement. A result is kept only if what answers is, after the run, what it was before.
   * Locks. The table's, then a flight's; neither is held while a model or a reply is called.
   */
  private static final Logger LOG = LoggerFactory.getLogger(CachingServing.class);

  /** Pictures up to here are looked up by the thread that brings them: some tens of us. */
  private static final int SHORT_INPUTS = 16 << 10;

  private final ResultCache cache;
  private final Executor threads;
  private final ConcurrentHashMap<ResultKey, ResultFlight> flights = new ConcurrentHashMap<>();
  private final ConcurrentHashMap<Endpoint, CachingServing> each = new ConcurrentHashMap<>();

  /**
   * Puts a cache before what runs the models.
   *
   * @param threads where pictures are read for their keys, and shared results for their answers
   */
  CachingServing(Serving inner, ResultCache cache, Executor threads) {
    super(inner);
    this.cache = cache;
    this.threads = threads;
  }

  /** One before each remote server, so that equal requests to it meet. */
  @Override
  public Serving on(@Nullable Endpoint upstream) {
    return upstream == null
        ? this
        : each.computeIfAbsent(
            upstream, _ -> new CachingServing(inner.on(upstream), cache, threads));
  }

  @Override
  public void inferAll(List<InferRequest> requests) {
    long bytes = 0;
    for (InferRequest request : requests) {
      bytes += request.inputBytes();
    }
    if (bytes <= SHORT_INPUTS) {
      lookUp(requests);
    } else {
      threads.execute(() -> lookUp(requests));
    }
  }

  /** Those that have to run begin together, so that they may form a batch. */
  private void lookUp(List<InferRequest> requests) {
    List<InferRequest> runs = new ArrayList<>();
    for (InferRequest request : requests) {
      Asked asked = asked(request);
      if (asked == null) {
        runs.add(request);
        continue;
      }
      ResultFlight own = new ResultFlight(this, asked, request);
      boolean[] joined = new boolean[1];
      ResultFlight flight =
          flights.compute(
              asked.here(),
              (_, there) -> {
                joined[0] = there != null && there.join(request);
                return there == null ? own : there;
              });
      if (flight == own) {
        lookUp(own, runs);
      } else if (!joined[0]) {
        runs.add(request);
      }
    }
    if (!runs.isEmpty()) {
      inner.inferAll(runs);
    }
  }

  /** What a request asks; null when its result cannot be kept. */
  private @Nullable Asked asked(InferRequest request) {
    InferRequest.Call call = request.call();
    try {
      Identity identity = inner.identity(call.model(), call.version());
      if (identity == null) {
        return null;
      }
      ResultKey everywhere = ResultDigest.of(request, identity.contents());
      return new Asked(
          everywhere.with(identity.loads()), everywhere, call.model(), call.version(), identity);
    } catch (FaultException _) {
      return null; // who serves will tell
    } catch (RuntimeException e) {
      LOG.error("request '{}': not looked up in the result cache", call.id(), e);
      return null;
    }
  }

  private void lookUp(ResultFlight flight, List<InferRequest> runs) {
    byte[] kept = cache.find(flight.asked().here());
    if (kept != null && land(flight, kept, ResultSource.HIT)) {
      return;
    }
    SharedResults shared = cache.shared();
    if (shared == null) {
      runs.add(flight.run());
      return;
    }
    var _ =
        shared
            .find(flight.asked().everywhere())
            .whenCompleteAsync((found, _) -> foundOrRun(flight, found), threads);
  }

  private void foundOrRun(ResultFlight flight, byte @Nullable [] found) {
    if (found == null || !land(flight, found, ResultSource.SHARED)) {
      inner.inferAll(List.of(flight.run()));
    }
  }

  /** Answers all of a flight from what is kept; false when that cannot be read. */
  private boolean land(ResultFlight flight, byte[] kept, ResultSource source) {
    InferRequest leader = flight.leader();
    InferResponse answer;
    try {
      answer = KeptResult.read(kept, leader.call(), source, inner.memory());
    } catch (FaultException e) {
      failed(flight, e.failure());
      return true;
    }
    if (answer == null) {
      return false;
    }
    if (source == ResultSource.SHARED) {
      cache.keep(flight.asked().here(), kept);
    }
    flights.remove(flight.asked().here(), flight);
    List<InferRequest> followers = flight.followers();
    cache.count(source);
    leader.respond(answer);
    followers.forEach(follower -> respond(follower, kept, source));
    return true;
  }

  private void respond(InferRequest request, byte[] kept, ResultSource source) {
    InferResponse answer;
    try {
      answer = KeptResult.read(kept, request.call(), source, inner.memory());
    } catch (FaultException e) {
      request.fail(e.failure());
      return;
    }
    if (answer == null) {
      request.fail(Fault.INTERNAL.with("a result that was kept cannot be read"));
      return;
    }
    cache.count(source);
    request.respond(answer);
  }

  /** The model has answered. */
  void answered(ResultFlight flight, InferResponse response) {
    Asked asked = flight.asked();
    byte[] result = null;
    try {
      result = KeptResult.write(response);
      if (asked.identity().equals(inner.identity(asked.model(), asked.version()))) {
        cache.keep(asked.here(), result);
        SharedResults shared = cache.shared();
        if (shared != null) {
          shared.keep(asked.everywhere(), result);
        }
      }
    } catch (FaultException _) {
      LOG.debug("model '{}' is no longer served: its result is not kept", asked.model());
    } catch (RuntimeException e) {
      LOG.error("model '{}': a result is not kept", asked.model(), e);
    }
    flights.remove(asked.here(), flight);
    List<InferRequest> followers = flight.followers();
    cache.count(ResultSource.MISS);
    flight.leader().respond(KeptResult.marked(response, ResultSource.MISS));
    for (InferRequest follower : followers) {
      if (result == null) {
        follower.fail(Fault.INTERNAL.with("the result of an equal request cannot be shared"));
      } else {
        respond(follower, result, ResultSource.JOINED);
      }
    }
  }

  /** The model has failed, or never ran. */
  void failed(ResultFlight flight, Failure failure) {
    InferRequest leader = flight.leader();
    if (failure.fault().isCallersOwn()) {
      List<Ended> ended = new ArrayList<>();
      long now = inner.ticker().nanos();
      ResultFlight again =
          flights.computeIfPresent(
              flight.asked().here(),
              (_, there) -> there == flight && !there.replaceLeader(now, ended) ? null : there);
      leader.fail(failure);
      ended.forEach(Ended::tell);
      if (again == flight) {
        inner.inferAll(List.of(flight.run()));
      }
      return;
    }
    flights.remove(flight.asked().here(), flight);
    leader.fail(failure);
    flight.followers().forEach(follower -> follower.fail(failure));
  }

  /** Tells those whose time is over, or who have left, while an equal request runs. */
  void sweep() {
    if (!flights.isEmpty()) {
      long now = inner.ticker().nanos();
      List<Ended> ended = new ArrayList<>();
      flights.values().forEach(flight -> flight.sweep(now, ended));
      ended.forEach(Ended::tell);
    }
    each.values().forEach(CachingServing::sweep);
  }
}
