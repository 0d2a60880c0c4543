package dev.nereid.gateway;

import dev.nereid.core.Failure;
import dev.nereid.core.Fault;
import dev.nereid.core.Followers;
import dev.nereid.core.InferRequest;
import dev.nereid.core.InferResponse;
import dev.nereid.core.Reply;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Equal requests that came side by side: the first one's pictures are looked up and, if need be,
 * run; all are answered by that. Thread-safe. Requests join, and the leader is replaced, only while
 * the flight is in the table of {@link CachingServing}, under that table's lock.
 */
final class ResultFlight implements Reply {
  private final CachingServing serving;
  private final Asked asked;
  private final Followers<InferRequest> followers = new Followers<>();
  private volatile InferRequest leader;

  /**
   * What a request asks.
   *
   * @param here its key in this process
   * @param everywhere its key among gateways
   * @param model that is asked
   * @param version as in the request
   * @param identity of what was to answer when it came
   */
  record Asked(
      ResultKey here,
      ResultKey everywhere,
      String model,
      long version,
      Serving.Identity identity) {}

  /** A request that waits no more, and what to tell it. */
  record Ended(InferRequest request, Failure failure) {
    void tell() {
      request.fail(failure);
    }
  }

  /** A flight of one request. */
  ResultFlight(CachingServing serving, Asked asked, InferRequest leader) {
    this.serving = serving;
    this.asked = asked;
    this.leader = leader;
  }

  Asked asked() {
    return asked;
  }

  InferRequest leader() {
    return leader;
  }

  /** What is to be run. The pictures stay the leader's, who is not answered before it has ended. */
  InferRequest run() {
    InferRequest request = leader;
    return new InferRequest(request.call(), request.inputs(), List.of(), this, this::isWithdrawn);
  }

  private boolean isWithdrawn() {
    return leader.isCancelled() && followers.allMatch(InferRequest::isCancelled);
  }

  /** Takes a request along, unless it has less time, or is more urgent, than the one that runs. */
  boolean join(InferRequest request) {
    InferRequest.Call call = request.call();
    if (call.deadlineNanos() < leader.call().deadlineNanos()
        || call.priority() != leader.call().priority()) {
      return false;
    }
    followers.add(request);
    return true;
  }

  /** Takes every follower out; none joins any more. */
  List<InferRequest> followers() {
    return followers.takeAll();
  }

  /** Takes out the followers that wait no more. */
  void sweep(long nowNanos, List<Ended> ended) {
    followers.sweep(
        request -> overtaken(request, nowNanos),
        (request, failure) -> ended.add(new Ended(request, failure)));
  }

  private static @Nullable Failure overtaken(InferRequest request, long nowNanos) {
    if (request.isCancelled()) {
      return Fault.CANCELLED.with("request was cancelled while an equal one ran");
    }
    if (request.call().deadlineNanos() <= nowNanos) {
      return Fault.DEADLINE_EXCEEDED.with("deadline passed while an equal request ran");
    }
    return null;
  }

  /** Makes the first follower that still waits the leader; false when there is none. */
  boolean replaceLeader(long nowNanos, List<Ended> ended) {
    sweep(nowNanos, ended);
    InferRequest next = followers.takeFirst();
    if (next == null) {
      return false;
    }
    leader = next;
    return true;
  }

  @Override
  public void respond(InferResponse response) {
    serving.answered(this, response);
  }

  @Override
  public void fail(Failure failure) {
    serving.failed(this, failure);
  }
}
