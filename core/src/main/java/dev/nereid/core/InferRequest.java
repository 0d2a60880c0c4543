package dev.nereid.core;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;

/**
 * One inference asked of one model.
 *
 * <p><b>Ownership.</b> The request owns the leases its inputs lie in. Submitting it hands it over:
 * the receiver calls exactly one of {@link #respond} and {@link #fail}, which gives the inputs back
 * and tells the {@link Reply}. An output may lie in an input's block, in a share of its own.
 *
 * <p><b>Threading.</b> Immutable but for cancellation, which any thread may ask for at any time:
 * {@link #cancel} only raises a flag, which the holder looks at before it starts work.
 */
public final class InferRequest {
  /** The priority after all others: the last level of a model, however many it has. */
  public static final long LAST_PRIORITY = Long.MAX_VALUE;

  private static final VarHandle DONE;

  static {
    try {
      DONE = MethodHandles.lookup().findVarHandle(InferRequest.class, "done", boolean.class);
    } catch (ReflectiveOperationException e) {
      throw new ExceptionInInitializerError(e);
    }
  }

  private final Call call;
  private final List<Tensor> inputs;
  private final List<Lease> leases;
  private final Reply reply;
  private final @Nullable BooleanSupplier withdrawn;
  private volatile boolean cancelled;

  @SuppressWarnings("unused") // through DONE
  private volatile boolean done;

  /**
   * What a request asks, apart from its tensors.
   *
   * @param version -1 for the one that the model's policy chooses
   * @param id the caller's, echoed; may be empty
   * @param parameters free ones, for the back end: String, Long, Boolean or Double values
   * @param outputs what to answer; empty for every output
   * @param priority 0 for the model's default, else 1 is the highest; see {@link #LAST_PRIORITY}
   * @param timeoutMicros how long it may wait in the queue; 0 for the model's default
   * @param receivedNanos when its first byte was read, on the {@link Ticker}'s line
   * @param deadlineNanos when the caller stops waiting; {@link Long#MAX_VALUE} for never
   * @param span below which other servers that are asked for this are told; null for no trace
   */
  public record Call(
      String model,
      long version,
      String id,
      Map<String, Object> parameters,
      List<RequestedOutput> outputs,
      long priority,
      long timeoutMicros,
      long receivedNanos,
      long deadlineNanos,
      @Nullable TraceSpan span) {
    /** A call that belongs to no trace. */
    public Call(
        String model,
        long version,
        String id,
        Map<String, Object> parameters,
        List<RequestedOutput> outputs,
        long priority,
        long timeoutMicros,
        long receivedNanos,
        long deadlineNanos) {
      this(
          model,
          version,
          id,
          parameters,
          outputs,
          priority,
          timeoutMicros,
          receivedNanos,
          deadlineNanos,
          null);
    }

    /** A call of a model with nothing but defaults. */
    public static Call of(String model, long nowNanos) {
      return new Call(model, -1, "", Map.of(), List.of(), 0, 0, nowNanos, Long.MAX_VALUE);
    }

    /** What an ensemble asks of the model of a step, on behalf of this call: these outputs. */
    public Call step(String stepModel, long stepVersion, Collection<String> stepOutputs) {
      return new Call(
          stepModel,
          stepVersion,
          id,
          parameters,
          stepOutputs.stream().map(name -> new RequestedOutput(name, 0)).toList(),
          priority,
          timeoutMicros,
          receivedNanos,
          deadlineNanos,
          span);
    }

    /** The same call with other parameters. */
    public Call with(Map<String, Object> others) {
      return new Call(
          model,
          version,
          id,
          others,
          outputs,
          priority,
          timeoutMicros,
          receivedNanos,
          deadlineNanos,
          span);
    }

    /** The same call below another span. */
    public Call under(TraceSpan other) {
      return new Call(
          model,
          version,
          id,
          parameters,
          outputs,
          priority,
          timeoutMicros,
          receivedNanos,
          deadlineNanos,
          other);
    }
  }

  /** A request that owns these leases from now on. */
  public InferRequest(Call call, List<Tensor> inputs, List<Lease> leases, Reply reply) {
    this(call, inputs, leases, reply, (BooleanSupplier) null);
  }

  /**
   * A request made on behalf of another.
   *
   * @param parent whose cancellation is this one's too; null for none
   */
  public InferRequest(
      Call call,
      List<Tensor> inputs,
      List<Lease> leases,
      Reply reply,
      @Nullable InferRequest parent) {
    this(call, inputs, leases, reply, parent == null ? null : parent::isCancelled);
  }

  /**
   * A request made on behalf of several others.
   *
   * @param withdrawn whether nobody waits for it any more; asked by any thread, must not block;
   *     null for never
   */
  public InferRequest(
      Call call,
      List<Tensor> inputs,
      List<Lease> leases,
      Reply reply,
      @Nullable BooleanSupplier withdrawn) {
    this.call = call;
    this.inputs = inputs;
    this.leases = leases;
    this.reply = reply;
    this.withdrawn = withdrawn;
  }

  /** What is asked. */
  public Call call() {
    return call;
  }

  /** The tensors given, in the caller's order. */
  public List<Tensor> inputs() {
    return inputs;
  }

  /** The input of that name, or null. */
  public @Nullable Tensor input(String name) {
    for (int i = 0; i < inputs.size(); i++) {
      if (inputs.get(i).name().equals(name)) {
        return inputs.get(i);
      }
    }
    return null;
  }

  /** Whether that output is wanted: it is named, or none is. */
  public boolean asksFor(String output) {
    List<RequestedOutput> asked = call.outputs();
    for (int i = 0; i < asked.size(); i++) {
      if (asked.get(i).name().equals(output)) {
        return true;
      }
    }
    return asked.isEmpty();
  }

  /** The bytes of all tensors given. */
  public long inputBytes() {
    long bytes = 0;
    for (int i = 0; i < inputs.size(); i++) {
      bytes += inputs.get(i).length();
    }
    return bytes;
  }

  /** Asks that the request not be executed if it still can be spared. */
  public void cancel() {
    cancelled = true;
  }

  /** Whether {@link #cancel} was called, on this request or those it was made for. */
  public boolean isCancelled() {
    return cancelled || (withdrawn != null && withdrawn.getAsBoolean());
  }

  /** Answers; the inputs are given back and the response belongs to the reply. */
  public void respond(InferResponse response) {
    hold(response);
    reply.flush();
  }

  /** Fails; the inputs are given back. */
  public void fail(Failure failure) {
    hold(failure);
    reply.flush();
  }

  /** Answers as {@link #respond} does, and leaves it to the caller to flush {@link #reply}. */
  public void hold(InferResponse response) {
    if (!finish()) {
      response.close();
      throw new IllegalStateException("request '" + call.id() + "': answered twice");
    }
    reply.respond(response);
  }

  /** Fails as {@link #fail} does, and leaves it to the caller to flush {@link #reply}. */
  public void hold(Failure failure) {
    if (!finish()) {
      throw new IllegalStateException("request '" + call.id() + "': answered twice");
    }
    reply.fail(failure);
  }

  /** Where the outcome goes. */
  public Reply reply() {
    return reply;
  }

  /** Whether an outcome was given. */
  public boolean isDone() {
    return done;
  }

  private boolean finish() {
    if (!(boolean) DONE.compareAndSet(this, false, true)) {
      return false;
    }
    for (int i = 0; i < leases.size(); i++) {
      leases.get(i).close();
    }
    return true;
  }
}
