package dev.nereid.scheduler;

import dev.nereid.core.Failure;
import dev.nereid.core.Followers;
import dev.nereid.core.InferRequest;
import dev.nereid.core.InferResponse;
import dev.nereid.core.Reply;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * One run of a model and the equal requests that wait for its answer. The leader's tensors are run,
 * and it is not answered before the run has ended. When it is too late for the leader alone, the
 * first follower that still waits becomes the leader of another run.
 *
 * <p>Thread-safe. Followers join, and a leader is replaced, only while the flight is in the
 * scheduler's table, under that table's lock.
 */
final class Flight implements Reply {
  private final CachingScheduler scheduler;
  private final @Nullable Place place;
  private final Followers<Visit> followers = new Followers<>();
  private volatile Visit leader;

  /**
   * Where a flight is found by requests that may share it. One of another priority may not: it
   * would wait as long as the leader does.
   *
   * @param loads which models were to answer when the leader came
   */
  @SuppressWarnings("ArrayRecordComponent") // the key holds it too, so that it is not compared
  record Place(CacheKey key, long priority, long[] loads) {
    @Override
    public boolean equals(@Nullable Object other) {
      return other instanceof Place place && key.equals(place.key) && priority == place.priority;
    }

    @Override
    public int hashCode() {
      return key.hashCode() + Long.hashCode(priority);
    }
  }

  /** A request that waits no more, and what to tell it. */
  record Ended(Visit visit, Failure failure) {}

  /**
   * A flight of one request.
   *
   * @param place null when no other may share it and its answer is not kept
   */
  Flight(CachingScheduler scheduler, @Nullable Place place, Visit leader) {
    this.scheduler = scheduler;
    this.place = place;
    this.leader = leader;
  }

  @Nullable Place place() {
    return place;
  }

  Visit leader() {
    return leader;
  }

  /** What the model is to run. The tensors stay the leader's. */
  InferRequest run() {
    InferRequest request = leader.request;
    return new InferRequest(request.call(), request.inputs(), List.of(), this, this::isWithdrawn);
  }

  private boolean isWithdrawn() {
    return leader.request.isCancelled()
        && followers.allMatch(follower -> follower.request.isCancelled());
  }

  /** This flight, which the request has joined. */
  Flight with(Visit visit) {
    followers.add(visit);
    return this;
  }

  /** Takes every follower out; none joins any more. */
  List<Visit> followers() {
    return followers.takeAll();
  }

  /** Takes out the followers that wait no more. */
  void sweep(long nowNanos, List<Ended> ended) {
    followers.sweep(
        visit -> visit.overtaken(nowNanos),
        (visit, failure) -> ended.add(new Ended(visit, failure)));
  }

  /** Makes the first follower that still waits the leader; false when there is none. */
  boolean replaceLeader(long nowNanos, List<Ended> ended) {
    sweep(nowNanos, ended);
    Visit next = followers.takeFirst();
    if (next == null) {
      return false;
    }
    leader = next;
    return true;
  }

  @Override
  public void respond(InferResponse response) {
    scheduler.answered(this, response);
  }

  @Override
  public void fail(Failure failure) {
    scheduler.failed(this, failure);
  }

  @Override
  public void flush() {
    scheduler.flush();
  }

  @Override
  public Object group() {
    return scheduler;
  }
}
