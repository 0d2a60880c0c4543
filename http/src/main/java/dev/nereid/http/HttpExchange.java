package dev.nereid.http;

import dev.nereid.access.Caller;
import dev.nereid.core.Failure;
import dev.nereid.core.Fault;
import dev.nereid.core.FaultException;
import dev.nereid.core.Lease;
import dev.nereid.core.Timings;
import dev.nereid.core.TraceSpan;
import io.netty.buffer.ByteBuf;
import io.netty.handler.codec.http.HttpHeaders;
import io.netty.handler.codec.http.QueryStringDecoder;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.net.SocketAddress;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import javax.security.auth.x500.X500Principal;
import org.jspecify.annotations.Nullable;

/**
 * One request and the way to its answer.
 *
 * <p><b>Threading.</b> The request's side is read-only and may be read by any thread. {@link
 * #respond} is called exactly once, by any thread; nothing else may be called after it, but {@link
 * #more} where the body is made while it is written.
 *
 * <p><b>Ownership.</b> The exchange owns the body until {@link #takeBody} hands it on; a body not
 * taken is given back by {@link #respond}. The buffers of an answer belong to the exchange as soon
 * as they are given, and are released once they are written or can no longer be.
 */
public final class HttpExchange {
  /** Carries the caller's patience in milliseconds. */
  public static final String TIMEOUT_HEADER = "X-Request-Timeout-Ms";

  private static final ByteBuffer NO_BODY = ByteBuffer.allocateDirect(0).asReadOnlyBuffer();
  private static final VarHandle CLAIMED;
  private static final VarHandle STATE;
  private static final VarHandle CANCEL_HOOK;

  static {
    try {
      var lookup = MethodHandles.lookup();
      CLAIMED = lookup.findVarHandle(HttpExchange.class, "claimed", boolean.class);
      STATE = lookup.findVarHandle(HttpExchange.class, "state", State.class);
      CANCEL_HOOK = lookup.findVarHandle(HttpExchange.class, "cancelHook", Runnable.class);
    } catch (ReflectiveOperationException e) {
      throw new ExceptionInInitializerError(e);
    }
  }

  /** {@code OPEN -> ANSWERED}, or {@code OPEN -> DETACHED} when the connection ends first. */
  private enum State {
    OPEN,
    ANSWERED,
    DETACHED
  }

  /** Stands in the hook's place once the client has left. */
  private static final class Left implements Runnable {
    static final Left CLIENT = new Left();

    @Override
    public void run() {}
  }

  private final HttpConnection connection;
  private final RequestHead head;
  private final long receivedNanos;
  private long deadlineNanos = Long.MAX_VALUE;
  private @Nullable Lease body;
  private int bodyLength;
  private @Nullable Map<String, List<String>> query;
  private String requestId = "";
  private Timings timings = Timings.NONE;
  private Caller caller = Caller.EVERYBODY;
  private String callerName = "";
  private ResponseHeaders added = ResponseHeaders.NONE;

  // For logs and the trace: of which model is told by handlers, the rest by the listener.
  String route = "";
  String model = "";
  long version = -1;
  @Nullable TraceSpan span;

  // Confined to the event loop.
  @Nullable HttpExchange next;
  long admittedBytes = -1;
  boolean closeAfter;

  private volatile boolean claimed;
  private volatile State state = State.OPEN;
  private volatile @Nullable Runnable cancelHook;
  private @Nullable HttpAnswer answer; // written before state becomes ANSWERED

  HttpExchange(HttpConnection connection, RequestHead head, long receivedNanos) {
    this.connection = connection;
    this.head = head;
    this.receivedNanos = receivedNanos;
  }

  /** The method as the client wrote it: {@code GET}. */
  public String method() {
    return head.method();
  }

  /** The path as the client wrote it, still percent-encoded, without the query. */
  public String path() {
    return head.path();
  }

  /** What follows the question mark, still percent-encoded; empty when there is none. */
  public String rawQuery() {
    return head.rawQuery();
  }

  /**
   * The value of a query parameter, decoded; the first if it is repeated, null if it is absent.
   *
   * @throws FaultException with {@link Fault#INVALID_ARGUMENT} when the query is badly encoded
   */
  public @Nullable String queryParameter(String name) {
    if (head.rawQuery().isEmpty()) {
      return null;
    }
    List<String> values = queryParameters().get(name);
    return values == null ? null : values.getFirst();
  }

  /** All query parameters, decoded, in the client's order. */
  public Map<String, List<String>> queryParameters() {
    Map<String, List<String>> known = query;
    if (known == null) {
      try {
        known = new QueryStringDecoder(head.rawQuery(), false).parameters();
      } catch (IllegalArgumentException e) {
        throw FaultException.of(Fault.INVALID_ARGUMENT, "query: " + e.getMessage());
      }
      query = known;
    }
    return known;
  }

  /** The value of a header, whatever its case; the first if it is repeated. */
  public @Nullable String header(CharSequence name) {
    return head.headers().get(name);
  }

  /** All request headers. */
  public HttpHeaders headers() {
    return head.headers();
  }

  /** When the first byte of the request was read, on the ticker's line. */
  public long receivedNanos() {
    return receivedNanos;
  }

  /** When the client stops waiting, on the ticker's line; {@link Long#MAX_VALUE} for never. */
  public long deadlineNanos() {
    return deadlineNanos;
  }

  /** The client's address. */
  public SocketAddress remoteAddress() {
    return connection.remoteAddress();
  }

  /** Who calls; {@link Caller#EVERYBODY} when nobody was asked. */
  public Caller caller() {
    return caller;
  }

  /** Names the request in logs; the value of {@code X-Request-Id} until a handler sets another. */
  public String requestId() {
    String given = requestId;
    if (given.isEmpty()) {
      String header = head.headers().get("x-request-id");
      return header == null ? "" : header;
    }
    return given;
  }

  /** Names the request in logs. */
  public void requestId(String id) {
    requestId = id;
  }

  /** What the trace tells of the request; null when it belongs to none. */
  public @Nullable TraceSpan span() {
    return span;
  }

  /**
   * Tells which model is asked, and then which answered, for logs; before the answer is given.
   *
   * @param number -1 when it is not known
   */
  public void model(String name, long number) {
    model = name;
    version = number;
  }

  /** Tells the trace why the server, and not the client, made the request fail. */
  public void failed(int status, Failure failure) {
    RequestTrace.failed(this, status, failure);
  }

  /** Tells where the time went, for metrics and logs; before the answer is given. */
  public void timings(Timings known) {
    timings = known;
  }

  /** The number of bytes of the body; 0 when there is none. */
  public int bodyLength() {
    return bodyLength;
  }

  /** A view of the body, direct and little-endian, valid until the answer is given. */
  public ByteBuffer body() {
    Lease held = body;
    return held == null ? NO_BODY.duplicate() : held.bytes(0, bodyLength);
  }

  /**
   * Hands the body's lease to the caller, who closes it; null when there is no body. The first
   * {@link #bodyLength} bytes are the body.
   */
  public @Nullable Lease takeBody() {
    Lease held = body;
    body = null;
    return held;
  }

  /**
   * What to do when the client leaves before its answer; done at once if it has left. A later call
   * replaces it. Runs on an event loop: must not block.
   */
  public void onCancel(Runnable hook) {
    Runnable known = cancelHook;
    while (!(known instanceof Left)) {
      if (CANCEL_HOOK.compareAndSet(this, known, hook)) {
        return;
      }
      known = cancelHook;
    }
    hook.run();
  }

  /** Whether the client has left; an answer is still due, and goes nowhere. */
  public boolean isCancelled() {
    return cancelHook instanceof Left;
  }

  /** Answers; the buffers, in their order, are the body. */
  public void respond(int status, ResponseHeaders headers, ByteBuf... parts) {
    respond(new HttpAnswer(status, headers, null, Arrays.asList(parts)));
  }

  /**
   * Answers; the buffers, in their order, are the body.
   *
   * @param whenWritten is run once the last byte was written or can no longer be, on any thread
   */
  public void respond(int status, ResponseHeaders headers, Runnable whenWritten, ByteBuf... parts) {
    respond(new HttpAnswer(status, headers, whenWritten, Arrays.asList(parts)));
  }

  /** Answers with a body that is made while it is written. */
  public void respond(int status, ResponseHeaders headers, BodySource source) {
    respond(new HttpAnswer(status, headers, null, List.of(), source));
  }

  /** The source of the body has more at hand, or has ended. Any thread, at any time. */
  public void more() {
    if (state == State.ANSWERED) {
      var _ = connection.wake(); // where it cannot, the source has been closed
    }
  }

  private void respond(HttpAnswer given) {
    if (!(boolean) CLAIMED.compareAndSet(this, false, true)) {
      given.discard();
      throw new IllegalStateException(method() + " " + path() + ": answered twice");
    }
    closeBody();
    answer = given.with(added);
    if ((boolean) STATE.compareAndSet(this, State.OPEN, State.ANSWERED)) {
      connection.answered(this);
    } else {
      given.discard();
      connection.finished(this);
    }
  }

  /** Whether {@link #respond} was called. */
  public boolean isClaimed() {
    return claimed;
  }

  Timings timings() {
    return timings;
  }

  RequestHead head() {
    return head;
  }

  /** It has come to its end, answered or not. */
  void over() {
    caller.left();
    if (state != State.ANSWERED) {
      RequestTrace.abandoned(this);
    }
  }

  /** Whose request it is, from when it is admitted. */
  void caller(Caller admitted) {
    caller = admitted;
    callerName = admitted.name();
  }

  /** The name for logs, also of a caller who is not admitted. */
  String callerName() {
    return callerName;
  }

  void callerName(String name) {
    callerName = name;
  }

  /** More for the head of the answer, whoever gives it. */
  void add(ResponseHeaders lines) {
    added = added.and(lines);
  }

  /** Of the certificate that the client showed; null when none was asked for. */
  @Nullable X500Principal clientSubject() {
    return ClientCertificate.subjectOf(connection.channel());
  }

  void deadline(long nanos) {
    deadlineNanos = nanos;
  }

  void body(@Nullable Lease lease, int length) {
    body = lease;
    bodyLength = length;
  }

  /** The answer once it is there, else null. */
  @Nullable HttpAnswer answer() {
    return state == State.ANSWERED ? answer : null;
  }

  /** The connection has ended: an answer that is there is given back, one to come will be. */
  void detach() {
    if (!(boolean) STATE.compareAndSet(this, State.OPEN, State.DETACHED)) {
      HttpAnswer unsent = answer();
      if (unsent != null) {
        unsent.discard();
        RequestTrace.abandoned(this);
        connection.finished(this);
      }
      return;
    }
    Runnable hook = (Runnable) CANCEL_HOOK.getAndSet(this, Left.CLIENT);
    if (hook != null) {
      hook.run();
    }
  }

  /** Gives back a body that no handler took. */
  void closeBody() {
    Lease held = body;
    if (held != null) {
      body = null;
      held.close();
    }
  }
}
