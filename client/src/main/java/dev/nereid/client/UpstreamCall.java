package dev.nereid.client;

import dev.nereid.core.Failure;
import dev.nereid.core.Fault;
import dev.nereid.core.FaultException;
import dev.nereid.core.InferRequest;
import dev.nereid.core.InferResponse;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One request on its way to an answer from any of the targets.
 *
 * <p><b>Attempts.</b> The first answer wins and the other attempts are withdrawn. A failure is
 * final once no attempt runs and none may follow: because repeating is not safe, the budget is
 * spent, the attempts are used up, or time is over.
 *
 * <p><b>Threading.</b> Attempts end on event loops; {@code deciding} guards what they share and is
 * never held while a target or the request is called.
 */
final class UpstreamCall {
  private static final Logger LOG = LoggerFactory.getLogger(UpstreamCall.class);

  private final UpstreamRuntime runtime;
  private final InferRequest request;
  private final @Nullable Endpoint only;
  private final Lane lane;
  private final long bytes;
  private final long createdNanos;
  private final Consumer<UpstreamCall> whenOver;
  private final ReentrantLock deciding = new ReentrantLock();

  private volatile boolean started;

  // guarded by deciding
  private final List<Attempt> running = new ArrayList<>(2);
  private final Set<UpstreamTarget> tried = new HashSet<>(4);
  private int attempts;
  private boolean pausing;
  private boolean over;

  /**
   * A call that has not begun.
   *
   * @param only the target to ask; null for any
   * @param whenOver is told once, after the request has its outcome
   */
  UpstreamCall(
      UpstreamRuntime runtime,
      InferRequest request,
      @Nullable Endpoint only,
      Consumer<UpstreamCall> whenOver) {
    this.only = only;
    this.runtime = runtime;
    this.request = request;
    this.whenOver = whenOver;
    lane = Lane.of(request.call().priority());
    createdNanos = runtime.ticker().nanos();
    bytes = Admission.bytes(request);
  }

  InferRequest request() {
    return request;
  }

  Lane lane() {
    return lane;
  }

  long bytes() {
    return bytes;
  }

  long createdNanos() {
    return createdNanos;
  }

  /** Whether nobody waits for the answer any more. */
  boolean isPointless(long now) {
    return request.isCancelled() || now > request.call().deadlineNanos();
  }

  /** Fails a call that was never started. */
  void refuse(Failure failure) {
    long now = runtime.ticker().nanos();
    request.fail(isPointless(now) ? pointless() : failure);
    whenOver.accept(this);
  }

  /** Whether {@link #start} was called. */
  boolean isStarted() {
    return started;
  }

  private Failure pointless() {
    return request.isCancelled()
        ? Fault.CANCELLED.with("the caller withdrew")
        : Fault.DEADLINE_EXCEEDED.with("the deadline passed before an upstream answered");
  }

  /** Makes the first attempt. */
  void start() {
    started = true;
    runtime.budget().called();
    attempt(null);
    long hedgeAfter = runtime.options().retry().hedgeAfter().toNanos();
    if (hedgeAfter > 0) {
      var _ = runtime.timers().schedule(this::hedge, hedgeAfter, TimeUnit.NANOSECONDS);
    }
  }

  private void attempt(@Nullable Failure last) {
    long now = runtime.ticker().nanos();
    if (isPointless(now)) {
      end(pointless());
      return;
    }
    Balancer.Choice choice = choose();
    if (choice == null) {
      end(last == null ? nobody() : last);
      return;
    }
    Attempt attempt;
    try {
      attempt = register(choice, false);
    } catch (FaultException e) {
      end(e.failure());
      return;
    }
    if (attempt != null) {
      start(attempt, now);
    }
  }

  private void start(Attempt attempt, long now) {
    long deadline = request.call().deadlineNanos();
    attempt.start(deadline == Long.MAX_VALUE ? deadline : deadline - now);
  }

  private Failure nobody() {
    return Fault.NOT_READY.with(runtime.balancer().refusal(request.call().model()));
  }

  private Balancer.@Nullable Choice choose() {
    Set<UpstreamTarget> before;
    deciding.lock();
    try {
      before = tried.isEmpty() ? Set.of() : Set.copyOf(tried);
    } finally {
      deciding.unlock();
    }
    InferRequest.Call call = request.call();
    return runtime.balancer().choose(call.model(), call.version(), only, before);
  }

  /**
   * An attempt that counts from now on. It is made while the request has no outcome for sure: after
   * that the inputs are others'.
   *
   * @param beside whether another one runs, which it must not join at its target
   * @return null when the call is over, or the target is asked already
   * @throws FaultException when there can be no such attempt
   */
  private @Nullable Attempt register(Balancer.Choice choice, boolean beside) {
    Attempt attempt = null;
    deciding.lock();
    try {
      if (!over && !(beside && tried.contains(choice.target()))) {
        attempt = new Attempt(this, runtime, choice);
        pausing &= beside;
        attempts++;
        tried.add(choice.target());
        running.add(attempt);
      }
      return attempt;
    } finally {
      deciding.unlock();
      if (attempt == null) {
        choice.breaker().releasePermission();
      }
    }
  }

  /** An attempt was answered; the answer belongs to this call. */
  void succeeded(Attempt attempt, InferResponse response) {
    List<Attempt> others;
    deciding.lock();
    try {
      running.remove(attempt);
      if (over) {
        others = null;
      } else {
        over = true;
        others = List.copyOf(running);
      }
    } finally {
      deciding.unlock();
    }
    if (others == null) {
      response.close();
      return;
    }
    withdraw(others);
    request.respond(response);
    whenOver.accept(this);
  }

  private static void withdraw(List<Attempt> attempts) {
    Ending withdrawn = Ending.unusable(Fault.CANCELLED.with("another attempt was faster"));
    attempts.forEach(attempt -> attempt.giveUp(withdrawn));
  }

  /** An attempt failed. */
  void failed(Attempt attempt, Ending ending) {
    boolean last;
    boolean retry;
    int made;
    deciding.lock();
    try {
      running.remove(attempt);
      last = running.isEmpty() && !pausing;
      made = attempts;
      retry = last && !over && mayRepeat(attempt, ending);
      pausing |= retry;
    } finally {
      deciding.unlock();
    }
    if (!last) {
      return;
    }
    if (!retry) {
      end(ending.failure());
      return;
    }
    runtime.retries().increment();
    long pause = Math.max(ending.backoffNanos(), runtime.options().retry().pauseNanos(made));
    var _ = runtime.timers().schedule(() -> attempt(ending.failure()), pause, TimeUnit.NANOSECONDS);
  }

  /** Called with the lock held: a retry that is allowed is taken from the budget. */
  private boolean mayRepeat(Attempt attempt, Ending ending) {
    boolean safe =
        switch (ending.repeat()) {
          case NEVER -> false;
          case IF_STATELESS -> attempt.model().isStateless();
          case ALWAYS -> true;
        };
    return safe
        && attempts < runtime.options().retry().attempts()
        && !isPointless(runtime.ticker().nanos())
        && runtime.budget().tryRetry();
  }

  private void hedge() {
    boolean wanted;
    deciding.lock();
    try {
      wanted =
          !over
              && running.size() == 1
              && attempts < runtime.options().retry().attempts()
              && running.getFirst().model().isStateless()
              && !running.getFirst().isAnswering()
              && runtime.budget().tryRetry();
    } finally {
      deciding.unlock();
    }
    if (!wanted) {
      return;
    }
    Balancer.Choice choice = choose();
    if (choice == null) {
      return;
    }
    Attempt second;
    try {
      second = register(choice, true);
    } catch (FaultException e) {
      LOG.debug("a second attempt cannot be made; the first goes on", e);
      return;
    }
    if (second != null) {
      runtime.hedges().increment();
      start(second, runtime.ticker().nanos());
    }
  }

  /** Looks after the call now and then: withdrawn by its caller, or at a target that is stuck. */
  void sweep(long now) {
    boolean withdrawn = request.isCancelled();
    List<Attempt> affected;
    deciding.lock();
    try {
      if (over || running.isEmpty()) {
        return;
      }
      affected =
          running.stream()
              .filter(each -> withdrawn || each.target().state() == TargetState.STUCK)
              .filter(each -> withdrawn || isWorthMoving(each) || each.target().isGone(now))
              .toList();
    } finally {
      deciding.unlock();
    }
    for (Attempt attempt : affected) {
      attempt.giveUp(
          withdrawn
              ? Ending.unusable(pointless())
              : Ending.stuck(attempt.target().endpoint().toString()));
    }
  }

  private boolean isWorthMoving(Attempt attempt) {
    return attempt.model().isStateless()
        && runtime.balancer().hasLive(request.call().model(), request.call().version());
  }

  /** Fails the call whatever it waits for. */
  void abort(Failure failure) {
    List<Attempt> left;
    deciding.lock();
    try {
      left = List.copyOf(running);
    } finally {
      deciding.unlock();
    }
    end(failure);
    withdraw(left);
  }

  private void end(Failure failure) {
    deciding.lock();
    try {
      if (over) {
        return;
      }
      over = true;
    } finally {
      deciding.unlock();
    }
    request.fail(failure);
    whenOver.accept(this);
  }
}
