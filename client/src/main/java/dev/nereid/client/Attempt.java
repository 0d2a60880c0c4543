package dev.nereid.client;

import dev.nereid.core.Failure;
import dev.nereid.core.Fault;
import dev.nereid.core.FaultException;
import dev.nereid.core.InferResponse;
import dev.nereid.core.Lease;
import dev.nereid.core.Timings;
import dev.nereid.core.TraceSpan;
import io.grpc.CallOptions;
import io.grpc.ClientCall;
import io.grpc.ClientStreamTracer;
import io.grpc.Metadata;
import io.grpc.Status;
import java.util.Locale;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/** One call to one target, on behalf of an {@link UpstreamCall}. */
final class Attempt extends ClientCall.Listener<Lease> {
  private final UpstreamCall owner;
  private final UpstreamRuntime runtime;
  private final Balancer.Choice choice;
  private final OutboundMessage message;
  private final long startedNanos;
  private final AtomicBoolean over = new AtomicBoolean();
  private volatile @Nullable ClientCall<OutboundMessage, Lease> call;
  private volatile @Nullable Ending forced;
  private volatile boolean headers;
  private @Nullable TraceSpan span; // written before the call starts, as is the next
  private long givenNanos;
  private @Nullable Lease reply; // confined: the call's own order

  Attempt(UpstreamCall owner, UpstreamRuntime runtime, Balancer.Choice choice) {
    this.owner = owner;
    this.runtime = runtime;
    this.choice = choice;
    startedNanos = runtime.ticker().nanos();
    message =
        new OutboundMessage(
            owner.request(),
            choice.model().onWire(owner.request().call().priority(), choice.target().models()));
  }

  UpstreamTarget target() {
    return choice.target();
  }

  RemoteModel model() {
    return choice.model();
  }

  /** Sends; the owner is told of the outcome exactly once, perhaps before this returns. */
  void start(long leftNanos) {
    givenNanos = leftNanos;
    UpstreamTarget target = choice.target();
    target.load.inFlight(startedNanos, target.inFlight.incrementAndGet());
    CallOptions options =
        CallOptions.DEFAULT.withStreamTracerFactory(new StreamCount(target.withoutStream));
    if (leftNanos != Long.MAX_VALUE) {
      options = options.withDeadlineAfter(leftNanos, TimeUnit.NANOSECONDS);
    }
    ClientCall<OutboundMessage, Lease> sent =
        target.channel(owner.lane()).newCall(runtime.method(), options);
    sent.start(this, traced());
    sent.request(2); // a second one would be the server's error, and is reported as such
    sent.sendMessage(message);
    sent.halfClose();
    call = sent; // only now: a call that was cancelled takes no message
    if (forced != null) {
      sent.cancel("given up", null);
    }
  }

  /** The headers, which tell the server the trace that the request belongs to, if there is one. */
  private Metadata traced() {
    Metadata sent = new Metadata();
    TraceSpan parent = owner.request().call().span();
    if (parent != null) {
      TraceSpan own = parent.call(runtime.method().getFullMethodName());
      if (own.isRecorded()) {
        own.tell("rpc.system", "grpc");
        own.tell("server.address", choice.target().endpoint().host());
        own.tell("server.port", choice.target().endpoint().port());
      }
      own.propagate(
          (name, value) ->
              sent.put(Metadata.Key.of(name, Metadata.ASCII_STRING_MARSHALLER), value));
      span = own;
    }
    return sent;
  }

  /** Whether the target has begun to answer. */
  boolean isAnswering() {
    return headers;
  }

  /** Ends the attempt; the owner is told of this ending unless there is another one already. */
  void giveUp(Ending ending) {
    forced = ending;
    ClientCall<OutboundMessage, Lease> sent = call;
    if (sent != null) {
      sent.cancel("given up", null);
    }
  }

  @Override
  public void onHeaders(Metadata received) {
    headers = true;
  }

  @Override
  public void onMessage(Lease received) {
    Lease earlier = reply;
    if (earlier != null) {
      earlier.close();
    }
    reply = received;
  }

  @Override
  public void onClose(Status status, Metadata trailers) {
    if (!over.compareAndSet(false, true)) {
      return;
    }
    message.close();
    Lease body = reply;
    reply = null;
    choice.target().inFlight.decrementAndGet();
    long now = runtime.ticker().nanos();
    Ending ending = null;
    if (status.isOk() && body != null) {
      try {
        InferResponse response = timed(runtime.reader().read(body), now);
        succeeded(now);
        ended(null);
        owner.succeeded(this, response);
        return;
      } catch (FaultException e) {
        ending = Ending.unusable(e.failure());
      }
    } else if (body != null) {
      body.close();
    }
    if (ending == null) {
      Ending decided = forced;
      ending =
          decided != null
              ? decided
              : Ending.of(status, trailers, headers, choice.target().endpoint().toString());
    }
    failed(ending, now);
    ended(ending.failure());
    owner.failed(this, ending);
  }

  /** Tells the trace how the attempt ended. */
  private void ended(@Nullable Failure failure) {
    TraceSpan own = span;
    if (own == null) {
      return;
    }
    if (failure != null) {
      own.fail(failure.fault().name().toLowerCase(Locale.ROOT), failure.message());
    }
    own.end();
  }

  private void succeeded(long now) {
    long took = now - startedNanos;
    choice.breaker().onSuccess(took, TimeUnit.NANOSECONDS);
    choice.target().answered(now, choice.model().name(), took);
  }

  private void failed(Ending ending, long now) {
    UpstreamTarget target = choice.target();
    switch (ending.sign()) {
      case NONE, LETS_GO -> choice.breaker().releasePermission();
      case STOPPING -> {
        choice.breaker().releasePermission();
        target.leaving(ending.failure().message());
      }
      case TROUBLE, NO_CONNECTION -> {
        if (isImpatience(ending.failure().fault(), now)) {
          choice.breaker().releasePermission();
        } else {
          choice
              .breaker()
              .onError(now - startedNanos, TimeUnit.NANOSECONDS, ending.failure().exception());
        }
        target.failed.increment();
        if (ending.sign() == Ending.Sign.NO_CONNECTION) {
          target.load.refused(now);
        }
      }
    }
  }

  /** Whether the caller left less time than a target may take that is well. */
  private boolean isImpatience(Fault fault, long now) {
    return fault == Fault.DEADLINE_EXCEEDED
        && givenNanos < runtime.fairTime().nanos(choice.target(), choice.model().name(), now);
  }

  /** The server's phases are not told; all of the time counts as computation. */
  private InferResponse timed(InferResponse response, long now) {
    return new InferResponse(
        response.model(),
        response.version(),
        owner.request().call().id(),
        response.parameters(),
        response.outputs(),
        response.leases(),
        new Timings(owner.createdNanos(), startedNanos, startedNanos, now, now));
  }

  /** Counts calls that have no stream of the connection yet. */
  private static final class StreamCount extends ClientStreamTracer.Factory {
    private final AtomicInteger withoutStream;

    StreamCount(AtomicInteger withoutStream) {
      this.withoutStream = withoutStream;
    }

    @Override
    public ClientStreamTracer newClientStreamTracer(
        ClientStreamTracer.StreamInfo info, Metadata headers) {
      withoutStream.incrementAndGet();
      AtomicBoolean waits = new AtomicBoolean(true);
      return new ClientStreamTracer() {
        @Override
        public void outboundHeaders() {
          end();
        }

        @Override
        public void streamClosed(Status status) {
          end();
        }

        private void end() {
          if (waits.compareAndSet(true, false)) {
            withoutStream.decrementAndGet();
          }
        }
      };
    }
  }
}
