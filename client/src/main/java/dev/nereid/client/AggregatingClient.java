package dev.nereid.client;

import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Future;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.LongAdder;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * A client that sends single items together: calls of {@link #infer} that are alike, which differ
 * in nothing but their id, their timeout and the rows of their inputs, become one call with all
 * their rows. Each caller gets its own rows, under its own id. For servers that do not put requests
 * together themselves, and for callers with many small ones.
 *
 * <p>The model must have a batch dimension, and a {@code max_batch_size} of at least the items that
 * are put together. Calls of a sequence, and those whose inputs have no or different first
 * dimensions, go alone, and so does what is sent by {@link #send}.
 *
 * <p><b>Waiting.</b> A call goes when there are enough rows for a full one, when the first of them
 * has waited for the delay, or when one of them has waited for half of its own timeout.
 *
 * <p><b>Errors.</b> What fails the common call is told to each caller. A caller's timeout, and its
 * withdrawal, are its own: the others get their answer. Once nobody waits any more the call is
 * withdrawn at the server.
 *
 * <p>Closing sends what waits, waits half a minute for answers at the most, and closes the client
 * below. Thread-safe.
 */
public final class AggregatingClient extends ForwardingClient {
  private static final long CLOSE_SECONDS = 30;

  private final AggregationOptions options;
  private final List<ScheduledExecutorService> timers;
  private final AtomicInteger nextLane = new AtomicInteger();
  private final LongAdder calls = new LongAdder();
  private final LongAdder refusals = new LongAdder();
  private final ReentrantLock gathering = new ReentrantLock();
  private final Condition answered = gathering.newCondition();
  private final Map<Rows.Likeness, Batch> open = new HashMap<>(); // guarded by gathering
  private int held; // guarded by gathering; rows that have no answer yet
  private boolean closed; // guarded by gathering

  /**
   * A client over another one.
   *
   * @param loops whose threads look at the time
   */
  public AggregatingClient(InferenceClient client, AggregationOptions options, EventLoops loops) {
    super(client);
    this.options = options;
    timers = loops.executors();
  }

  /** How many calls were sent for those that were handed in. */
  public long callsSent() {
    return calls.sum();
  }

  /** How many calls were refused for want of room. */
  public long refusedCalls() {
    return refusals.sum();
  }

  @Override
  public CompletableFuture<InferResult> infer(InferCall call) {
    Member member = new Member(call);
    List<Batch> ready = new ArrayList<>(2);
    gathering.lock();
    try {
      CallFailure refusal = refusal(member.rows);
      if (refusal != null) {
        return CompletableFuture.failedFuture(new InferenceException(refusal));
      }
      held += member.rows;
      join(member, ready);
    } finally {
      gathering.unlock();
    }
    member.begin();
    ready.forEach(Batch::send);
    return member;
  }

  /** Called with the lock held. */
  private @Nullable CallFailure refusal(int rows) {
    if (closed) {
      return CallFailure.of(CallFailure.Kind.CANCELLED, "client closed");
    }
    if (held > 0 && held + rows > options.capacity()) {
      refusals.increment();
      return CallFailure.of(
          CallFailure.Kind.LIMIT,
          "%d items wait for their answer (expected: at most %d)"
              .formatted(held, options.capacity()));
    }
    return null;
  }

  /**
   * Finds a batch for the member, with the lock held.
   *
   * @param ready gets the batches that wait no longer
   */
  private void join(Member member, List<Batch> ready) {
    if (member.alone || member.rows >= options.items() || options.delay().isZero()) {
      ready.add(new Batch(null).with(member));
      return;
    }
    Rows.Likeness likeness = Rows.Likeness.of(member.call);
    Batch batch = open.get(likeness);
    if (batch != null && batch.rows + member.rows > options.items()) {
      open.remove(likeness);
      ready.add(batch);
      batch = null;
    }
    if (batch == null) {
      batch = new Batch(likeness);
      open.put(likeness, batch);
    }
    batch.with(member);
    if (batch.rows == options.items()) {
      open.remove(likeness);
      ready.add(batch);
    } else {
      batch.waitAtMost(member.patienceNanos());
    }
  }

  private ScheduledExecutorService timer() {
    return timers.get(Math.floorMod(nextLane.get(), timers.size()));
  }

  /** Sends what waits; waits for its answers, but not for ever. */
  @Override
  public void close() {
    List<Batch> waiting;
    gathering.lock();
    try {
      closed = true;
      waiting = List.copyOf(open.values());
      open.clear();
    } finally {
      gathering.unlock();
    }
    waiting.forEach(Batch::send);
    awaitAnswers();
    client.close();
  }

  private void awaitAnswers() {
    long left = TimeUnit.SECONDS.toNanos(CLOSE_SECONDS);
    gathering.lock();
    try {
      while (held > 0 && left > 0) {
        left = answered.awaitNanos(left);
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    } finally {
      gathering.unlock();
    }
  }

  /** One caller, and the future it holds. */
  private final class Member extends CompletableFuture<InferResult> {
    private final InferCall call;
    private final int rows;
    private final boolean alone;
    private final long endNanos;
    private @Nullable Batch batch; // guarded by gathering

    Member(InferCall call) {
      this.call = call;
      int counted = Rows.of(call);
      alone = counted == 0;
      rows = Math.max(1, counted);
      endNanos = System.nanoTime() + call.timeout().toNanos();
    }

    private boolean isTimed() {
      return !call.timeout().isZero();
    }

    long patienceNanos() {
      long delay = options.delay().toNanos();
      return isTimed() ? Math.min(delay, call.timeout().toNanos() / 2) : delay;
    }

    /** Begins to watch the time, and for the end. */
    void begin() {
      Future<?> limit =
          isTimed()
              ? timer().schedule(this::expire, endNanos - System.nanoTime(), TimeUnit.NANOSECONDS)
              : null;
      var _ =
          whenComplete(
              (_, _) -> {
                if (limit != null) {
                  limit.cancel(false);
                }
                settled();
              });
    }

    private void expire() {
      completeExceptionally(
          new InferenceException(CallFailure.of(CallFailure.Kind.DEADLINE, "no reply in time")));
    }

    /** The caller has its outcome, or does not want it any more. */
    private void settled() {
      InFlight pointless;
      gathering.lock();
      try {
        held -= rows;
        if (held == 0) {
          answered.signalAll();
        }
        pointless = batch == null ? null : batch.without(this);
      } finally {
        gathering.unlock();
      }
      if (pointless != null) {
        pointless.cancel();
      }
    }
  }

  /** Calls that go together. */
  private final class Batch implements Receiver {
    private final Rows.@Nullable Likeness likeness;
    // guarded by gathering
    private final List<Member> members = new ArrayList<>();
    private int rows;
    private int unsettled;
    private boolean sent;
    private @Nullable InFlight inFlight;
    private long dueNanos = Long.MAX_VALUE;

    Batch(Rows.@Nullable Likeness likeness) {
      this.likeness = likeness;
    }

    /** Called with the lock held. */
    Batch with(Member member) {
      members.add(member);
      member.batch = this;
      rows += member.rows;
      unsettled++;
      return this;
    }

    /**
     * Called with the lock held.
     *
     * @return what is to be withdrawn because nobody waits for it any more
     */
    @Nullable InFlight without(Member member) {
      unsettled--;
      if (sent) {
        return unsettled == 0 ? inFlight : null;
      }
      members.remove(member);
      rows -= member.rows;
      if (unsettled == 0 && likeness != null) {
        open.remove(likeness, this);
      }
      return null;
    }

    /** Called with the lock held: nobody here waits longer than that. */
    void waitAtMost(long nanos) {
      long due = System.nanoTime() + nanos;
      if (dueNanos == Long.MAX_VALUE || due - dueNanos < 0) {
        dueNanos = due;
        var _ = timer().schedule(this::due, nanos, TimeUnit.NANOSECONDS);
      }
    }

    /** Encoding may take its time: that is not for an event loop. */
    private void due() {
      gathering.lock();
      try {
        if (likeness == null || !open.remove(likeness, this)) {
          return;
        }
      } finally {
        gathering.unlock();
      }
      var _ = Thread.startVirtualThread(this::send);
    }

    /** Called once, by whoever took it out of those that are open. */
    @SuppressWarnings("CatchingUnchecked") // whatever encoding throws belongs to who waits
    void send() {
      List<Member> all = seal();
      if (all.isEmpty()) {
        return;
      }
      calls.increment();
      InFlight now;
      try {
        long timeout = timeoutNanos(all);
        InferCall call =
            Rows.join(all.stream().map(each -> each.call).toList(), Duration.ofNanos(timeout));
        now = client.send(client.encode(call), nextLane.getAndIncrement(), timeout, this);
      } catch (RuntimeException e) {
        all.forEach(member -> member.completeExceptionally(e));
        return;
      }
      boolean pointless;
      gathering.lock();
      try {
        inFlight = now;
        pointless = unsettled == 0;
      } finally {
        gathering.unlock();
      }
      if (pointless) {
        now.cancel();
      }
    }

    /** Nobody leaves it any more; returns who is in it. */
    private List<Member> seal() {
      gathering.lock();
      try {
        sent = true;
        return List.copyOf(members);
      } finally {
        gathering.unlock();
      }
    }

    /** Until the last of them has to have its answer; 0 when one of them has no limit. */
    private long timeoutNanos(List<Member> all) {
      long now = System.nanoTime();
      long most = 1;
      for (Member member : all) {
        if (!member.isTimed()) {
          return 0;
        }
        most = Math.max(most, member.endNanos - now);
      }
      return most;
    }

    @Override
    @SuppressWarnings("CatchingUnchecked") // whatever decoding throws belongs to who waits
    public void received(RawReply reply) {
      List<Member> all = seal();
      List<InferResult> results;
      try {
        results = Rows.split(decode(reply), all.stream().map(each -> each.call).toList());
      } catch (RuntimeException e) {
        all.forEach(member -> member.completeExceptionally(e));
        return;
      }
      for (int i = 0; i < results.size(); i++) {
        all.get(i).complete(results.get(i));
      }
    }

    @Override
    public void failed(CallFailure failure) {
      seal().forEach(member -> member.completeExceptionally(new InferenceException(failure)));
    }
  }
}
