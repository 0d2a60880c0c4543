package dev.nereid.server;

import dev.nereid.core.Failure;
import dev.nereid.core.Fault;
import dev.nereid.core.FaultException;
import dev.nereid.core.InferRequest;
import dev.nereid.core.InferResponse;
import dev.nereid.core.Labelling;
import dev.nereid.core.Reply;
import dev.nereid.core.RequestedOutput;
import dev.nereid.core.Timings;
import dev.nereid.core.TraceSpan;
import dev.nereid.protocol.Classification;
import dev.nereid.protocol.GrpcResponse;
import dev.nereid.protocol.GrpcStatusOf;
import dev.nereid.protocol.InferMessage;
import io.grpc.Metadata;
import io.grpc.ServerCall;
import io.grpc.Status;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One call of ModelInfer, from its message to its answer.
 *
 * <p><b>Threading.</b> The listener's methods are called one after another on the connection's
 * event loop; the answer comes once, from any thread, possibly while a cancellation runs. The call
 * itself is only used by {@link #close} and what leads to it, of which the first wins.
 */
final class GrpcInferCall extends ServerCall.Listener<GrpcBody> implements Reply {
  private static final Logger LOG = LoggerFactory.getLogger(GrpcInferCall.class);

  private final GrpcInference inference;
  private final ServerCall<GrpcBody, GrpcResponse> call;
  private final long receivedNanos;
  private final long deadlineNanos;
  private final Map<String, Object> forwarded;
  private final @Nullable TraceSpan span;
  private final @Nullable LoopBatches loop;
  private final AtomicBoolean closed = new AtomicBoolean();
  private List<RequestedOutput> requested = List.of();
  private volatile @Nullable Labelling load;
  private Timings timings = Timings.NONE;
  private long version = -1;
  private int answerBytes;
  private @Nullable GrpcBody body;
  private @Nullable InferRequest request;

  GrpcInferCall(
      GrpcInference inference,
      ServerCall<GrpcBody, GrpcResponse> call,
      long receivedNanos,
      long deadlineNanos,
      Map<String, Object> forwarded,
      @Nullable TraceSpan span) {
    this.inference = inference;
    this.call = call;
    this.receivedNanos = receivedNanos;
    this.deadlineNanos = deadlineNanos;
    this.forwarded = forwarded;
    this.span = span;
    loop = inference.loop();
  }

  @Override
  public void onMessage(GrpcBody message) {
    if (body != null) {
      message.end();
      if (request == null) {
        close(Status.INTERNAL.withDescription("Too many requests: one is expected"));
      }
      return;
    }
    body = message;
  }

  @Override
  public void onHalfClose() {
    GrpcBody message = body;
    if (message == null) {
      close(Status.INTERNAL.withDescription("Half-closed without a request"));
      return;
    }
    if (closed.get()) {
      return;
    }
    if (span != null) {
      span.child("receive", receivedNanos).end();
    }
    try {
      InferMessage read =
          HeaderForwarding.add(
              inference.reader().read(message.take(), receivedNanos, deadlineNanos), forwarded);
      requested = read.call().outputs();
      InferRequest ready = read.request(this);
      request = ready;
      if (loop != null) {
        loop.infer(ready);
      } else {
        inference.engine().infer(ready);
      }
    } catch (RuntimeException e) {
      close(failureOf(e));
    }
  }

  @Override
  public void onCancel() {
    InferRequest running = request;
    if (running != null) {
      running.cancel();
    } else {
      close(Status.CANCELLED);
    }
  }

  @Override
  public void takenBy(Labelling now) {
    load = now;
  }

  @Override
  public void respond(InferResponse response) {
    boolean classes = Classification.isWanted(requested);
    if (!classes && !inference.packs()) {
      hold(() -> send(response));
    } else if (!inference
        .codecs()
        .execute(classes ? () -> sendClasses(response) : () -> send(response))) {
      response.close();
      fail(Fault.NOT_READY.with("Server exiting"));
    }
  }

  @Override
  public void fail(Failure failure) {
    hold(() -> close(failure));
  }

  private void hold(Runnable answer) {
    if (loop != null) {
      loop.hold(answer);
    } else {
      answer.run();
    }
  }

  @Override
  public void flush() {
    if (loop != null) {
      loop.flush();
    }
  }

  @Override
  public Object group() {
    return loop != null ? loop : this;
  }

  private void sendClasses(InferResponse response) {
    InferResponse classified;
    try {
      classified = ClassAnswer.of(load, response, requested, inference.engine().memory());
    } catch (RuntimeException e) {
      response.close();
      close(failureOf(e));
      return;
    }
    send(classified);
  }

  private static Failure failureOf(RuntimeException cause) {
    if (cause instanceof FaultException fault) {
      return fault.failure();
    }
    LOG.error("ModelInfer: failed", cause);
    return Fault.INTERNAL.with("internal error");
  }

  /** Sends the answer, which is written out when this returns. */
  private void send(InferResponse response) {
    Failure failure = null;
    try (response) {
      if (!call.isCancelled()) {
        GrpcResponse message = new GrpcResponse(response);
        answerBytes = message.size();
        timings = response.timings();
        version = response.version();
        call.sendHeaders(new Metadata());
        call.sendMessage(message);
      }
    } catch (RuntimeException e) {
      failure = failureOf(e);
    } catch (OutOfMemoryError e) {
      LOG.error("ModelInfer: no memory for an answer", e);
      close(Status.CANCELLED, null, true);
      return;
    }
    if (failure == null) {
      close(Status.OK);
    } else {
      close(failure);
    }
  }

  private void close(Status status) {
    close(status, null, false);
  }

  private void close(Failure failure) {
    close(GrpcStatusOf.failure(failure), failure.fault(), false);
  }

  /** Ends the call, unless grpc-java has, which it does when memory for a message is wanting. */
  private void close(Status status, @Nullable Fault fault, boolean over) {
    if (closed.compareAndSet(false, true)) {
      GrpcBody received = body;
      InferRequest asked = request;
      endBody();
      inference
          .log()
          .close(
              call,
              status,
              fault,
              new GrpcCallLog.Ended(
                  asked == null ? "-" : asked.call().model(),
                  version,
                  asked == null ? "" : asked.call().id(),
                  receivedNanos,
                  received == null ? 0 : received.length(),
                  answerBytes,
                  timings,
                  over,
                  span));
    }
  }

  private void endBody() {
    GrpcBody held = body;
    if (held != null) {
      held.end();
    }
  }
}
