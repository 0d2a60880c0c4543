package dev.nereid.http;

import dev.nereid.core.Fault;
import dev.nereid.core.FaultException;
import dev.nereid.core.Tracer;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.handler.codec.http.HttpContent;
import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpRequest;
import io.netty.handler.codec.http.LastHttpContent;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Makes exchanges of what the decoder emits: checks the head, admits, gathers the body, and calls
 * the handler. Confined to the event loop.
 */
final class RequestReader {
  private static final Logger LOG = LoggerFactory.getLogger(RequestReader.class);

  /** The rest of a refused body is read and thrown away up to this size; else we hang up. */
  private static final int DISCARDED = 1 << 20;

  private final HttpListener listener;
  private final HttpConnection connection;
  private final Arrivals arrivals;
  private @Nullable HttpExchange reading;
  private @Nullable BodyReader body;
  private boolean discarding;
  private boolean goOnDue;

  RequestReader(HttpListener listener, HttpConnection connection, Arrivals arrivals) {
    this.listener = listener;
    this.connection = connection;
    this.arrivals = arrivals;
  }

  /** Whether a request has arrived in part. */
  boolean isReading() {
    return reading != null || discarding || arrivals.holdsPart();
  }

  /** The request whose body is being read. */
  @Nullable HttpExchange reading() {
    return reading;
  }

  /** Bytes of the body so far. */
  int bodyBytes() {
    return body == null ? 0 : body.length();
  }

  /** A head came. */
  void head(HttpRequest request) {
    RequestHead head = RequestHead.of(request);
    HttpExchange exchange = new HttpExchange(connection, head, arrivals.firstByteNanos());
    connection.enqueue(exchange);
    discarding = true; // until it is admitted
    if (request.decoderResult().isFailure()) {
      HeadCheck.Broken broken = HeadCheck.ofDecoder(request.decoderResult().cause());
      hangUp(exchange, broken.refusal(), broken.detail());
      return;
    }
    HeadCheck.Broken broken = HeadCheck.check(head, listener.limits());
    if (broken != null) {
      refuse(exchange, broken.refusal(), broken.detail());
      return;
    }
    try {
      exchange.deadline(
          HeadCheck.deadline(head, exchange.receivedNanos(), listener.defaultDeadlineNanos()));
    } catch (IllegalArgumentException e) {
      refuse(exchange, Refusal.MALFORMED, String.valueOf(e.getMessage()));
      return;
    }
    HeadGuard guard = listener.guard();
    if (guard == null || passes(exchange, guard.check(exchange))) {
      admit(exchange);
    }
  }

  /** Whether the request goes on; of one that does not, no body is read. */
  private boolean passes(HttpExchange exchange, HeadGuard.Verdict verdict) {
    return switch (verdict) {
      case HeadGuard.Verdict.Pass _ -> true;
      case HeadGuard.Verdict.Refuse(Refusal refusal, String detail) -> {
        leaveUnread(exchange);
        connection.refuse(exchange, refusal, detail);
        yield false;
      }
      case HeadGuard.Verdict.Preflight(ResponseHeaders headers) -> {
        leaveUnread(exchange);
        exchange.respond(204, headers, Unpooled.EMPTY_BUFFER);
        yield false;
      }
    };
  }

  /** Ends the connection with the answer where there is a body that nobody is to read. */
  private void leaveUnread(HttpExchange exchange) {
    exchange.closeAfter = exchange.head().hasBody();
    discarding = exchange.closeAfter;
  }

  /** A piece of a body came, which may be the last and empty. */
  void content(HttpContent content) {
    boolean ends = content instanceof LastHttpContent;
    HttpExchange exchange = reading;
    if (discarding || exchange == null) {
      discarding &= !ends;
      return;
    }
    if (content.decoderResult().isFailure()) {
      hangUp(exchange, Refusal.MALFORMED, "body: badly chunked");
      return;
    }
    if (!append(exchange, content.content())) {
      return;
    }
    if (ends) {
      complete(exchange);
    }
  }

  /** An exchange has become the oldest: if its client waits for it, it is asked to go on. */
  void becameOldest(HttpExchange exchange) {
    if (goOnDue && exchange == reading) {
      goOnDue = false;
      connection.goOn();
    }
  }

  /** Refuses the request that is being read, and ends the connection. */
  void hangUp(HttpExchange exchange, Refusal refusal, String detail) {
    exchange.closeAfter = true;
    stopReading();
    discarding = true;
    connection.refuse(exchange, refusal, detail);
  }

  /** The connection has ended, or reads no more requests. */
  void abort() {
    HttpExchange unread = reading;
    if (unread != null) {
      connection.finished(unread); // no handler will
    }
    stopReading();
    discarding = true;
  }

  private void stopReading() {
    reading = null;
    if (body != null) {
      body.close();
      body = null;
    }
  }

  /** Refuses; what remains of the body is thrown away, or the connection ends. */
  private void refuse(HttpExchange exchange, Refusal refusal, String detail) {
    RequestHead head = exchange.head();
    boolean unknown = head.chunked() || head.headers().contains(HttpHeaderNames.EXPECT);
    exchange.closeAfter = unknown || head.contentLength() > DISCARDED;
    stopReading();
    discarding = true;
    connection.refuse(exchange, refusal, detail);
  }

  private void admit(HttpExchange exchange) {
    RequestHead head = exchange.head();
    if (head.mayCarryBody() || head.hasBody()) {
      if (!listener.inFlight().tryRequest()) {
        refuse(exchange, Refusal.TOO_MANY_REQUESTS, "requests in flight: too many");
        return;
      }
      exchange.admittedBytes = 0;
    }
    if (head.contentLength() > 0 && !admitBytes(exchange, head.contentLength())) {
      return;
    }
    try {
      int limit = listener.limits().bodyBytes();
      if (head.chunked()) {
        body = new BodyReader(listener.memory(), limit);
      } else if (head.contentLength() > 0) {
        body = BodyReader.sized(listener.memory(), (int) head.contentLength());
      }
    } catch (FaultException e) {
      refuse(exchange, Refusal.NO_MEMORY, e.failure().message());
      return;
    }
    discarding = false;
    reading = exchange;
    Tracer tracer = listener.tracer();
    if (tracer != null && head.mayCarryBody()) {
      RequestTrace.begin(tracer, exchange, connection.remoteAddress());
    }
    if (head.hasBody() && head.headers().contains(HttpHeaderNames.EXPECT)) {
      goOnDue = true;
      if (connection.isOldest(exchange)) {
        becameOldest(exchange);
      }
    }
  }

  private boolean admitBytes(HttpExchange exchange, long more) {
    if (more == 0 || listener.inFlight().tryBytes(more)) {
      exchange.admittedBytes += more;
      return true;
    }
    refuse(exchange, Refusal.TOO_MANY_BYTES, "bytes in flight: too many");
    return false;
  }

  private boolean append(HttpExchange exchange, ByteBuf chunk) {
    BodyReader target = body;
    int more = chunk.readableBytes();
    if (target == null || more == 0) {
      return true;
    }
    if (target.exceeds(more)) {
      String size = "more than " + listener.limits().bodyBytes() + " bytes";
      String detail = HeadCheck.bodyTooLarge(size, listener.limits().bodyBytes());
      hangUp(exchange, Refusal.BODY_TOO_LARGE, detail);
      return false;
    }
    if (exchange.head().chunked()
        && !admitBytes(exchange, target.capacityFor(more) - target.capacity())) {
      return false;
    }
    try {
      target.append(chunk);
    } catch (FaultException e) {
      refuse(exchange, Refusal.NO_MEMORY, e.failure().message());
      return false;
    }
    return true;
  }

  private void complete(HttpExchange exchange) {
    reading = null;
    goOnDue = false;
    BodyReader whole = body;
    body = null;
    if (whole != null) {
      exchange.body(whole.take(), whole.length());
      RequestTrace.arrived(exchange);
    }
    try {
      listener.handler().handle(exchange);
    } catch (RuntimeException e) {
      failed(exchange, e);
    }
  }

  private void failed(HttpExchange exchange, RuntimeException e) {
    if (e instanceof FaultException refused
        && refused.failure().fault() == Fault.INVALID_ARGUMENT
        && !exchange.isClaimed()) {
      connection.refuse(exchange, Refusal.MALFORMED, refused.failure().message());
      return;
    }
    LOG.error("{}: {} {} failed", listener.name(), exchange.method(), exchange.path(), e);
    if (!exchange.isClaimed()) {
      connection.refuse(exchange, Refusal.HANDLER_FAILED, "the server failed on this request");
    }
  }
}
