package dev.nereid.gateway;

import dev.nereid.core.Failure;
import dev.nereid.core.InferRequest;
import dev.nereid.core.InferResponse;
import dev.nereid.core.Reply;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.locks.ReentrantLock;

/**
 * Equal requests that came side by side: the first one's pictures are looked up and, if need be,
 * run; all are answered by that. Thread-safe. Requests join, and the leader is replaced, only while
 * the flight is in the table of {@link CachingServing}, under that table's lock.
 */
final class ResultFlight implements Reply {
  private final CachingServing serving;
  private final Asked asked;
  private final ReentrantLock joining = new ReentrantLock();
  private volatile InferRequest leader;
  private List<InferRequest> followers = new ArrayList<>(0); // guarded by joining

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
    if (!leader.isCancelled()) {
      return false;
    }
    joining.lock();
    try {
      return followers.stream().allMatch(InferRequest::isCancelled);
    } finally {
      joining.unlock();
    }
  }

  /** Takes a request along, unless it has less time, or is more urgent, than the one that runs. */
  boolean join(InferRequest request) {
    InferRequest.Call call = request.call();
    if (call.deadlineNanos() < leader.call().deadlineNanos()
        || call.priority() != leader.call().priority()) {
      return false;
    }
    joining.lock();
    try {
      followers.add(request);
      return true;
    } finally {
      joining.unlock();
    }
  }

  /** Takes every follower out; none joins any more. */
  List<InferRequest> followers() {
    joining.lock();
    try {
      List<InferRequest> taken = followers;
      followers = List.of();
      return taken;
    } finally {
      joining.unlock();
    }
  }

  /** Makes the first follower that still waits the leader; false when there is none. */
  boolean replaceLeader(long nowNanos, List<InferRequest> ended) {
    joining.lock();
    try {
      while (!followers.isEmpty()) {
        InferRequest next = followers.removeFirst();
        if (!next.isCancelled() && nowNanos <= next.call().deadlineNanos()) {
          leader = next;
          return true;
        }
        ended.add(next);
      }
      return false;
    } finally {
      joining.unlock();
    }
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
