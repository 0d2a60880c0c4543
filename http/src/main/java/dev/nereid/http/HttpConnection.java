package dev.nereid.http;

import dev.nereid.core.Timings;
import io.netty.buffer.Unpooled;
import io.netty.channel.ChannelFutureListener;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.socket.DuplexChannel;
import io.netty.handler.codec.http.HttpContent;
import io.netty.handler.codec.http.HttpRequest;
import io.netty.handler.codec.http2.Http2Exception;
import io.netty.handler.codec.http2.Http2StreamChannel;
import io.netty.handler.ssl.SslHandler;
import io.netty.handler.ssl.SslHandshakeCompletionEvent;
import io.netty.util.ReferenceCountUtil;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import javax.net.ssl.SSLException;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** One connection of a client: its requests in order, and their answers in the same order. */
final class HttpConnection extends ChannelInboundHandlerAdapter {
  /*
   * Ownership. Everything here is confined to the event loop, except `answered` and `finished`,
   * which any thread calls. An exchange stands in the queue from its head's arrival until its answer
   * is given to the channel.
   *
   * Order. Answers leave in the order of their requests. Those that complete while bytes are being
   * read, or that other threads complete before the loop comes by, leave in one flush.
   *
   * Backpressure. Nothing is read while the client does not take its answers, or has PIPELINED
   * requests waiting. A connection that ends before its request was read whole (413, 408) closes our
   * side first and throws away what still comes for LINGER_MILLIS: else the client's system might
   * drop the answer that it has not read yet.
   *
   * Shutdown. When the connection ends, open exchanges are detached: their cancel hooks run, and
   * their answers, which are still due, are discarded by whoever gives them.
   */
  private static final Logger LOG = LoggerFactory.getLogger(HttpConnection.class);
  private static final int PIPELINED = 64;
  private static final long LINGER_MILLIS = 2_000;
  private static final SocketAddress UNKNOWN = new InetSocketAddress(0);

  private final HttpListener listener;
  private final RequestReader reader;
  private final ConnectionTimers timers;
  private final AnswerWriter writer;
  private final boolean overLimit;
  private final AtomicBoolean sendScheduled = new AtomicBoolean();
  private final Runnable sendTask = this::sendScheduled;

  @SuppressWarnings("NullAway.Init") // handlerAdded comes before every other event
  private ChannelHandlerContext ctx;

  private SocketAddress remoteAddress = UNKNOWN;
  private @Nullable HttpExchange first;
  private @Nullable HttpExchange last;
  private int waiting;
  private boolean inRead;
  private boolean unflushed;
  private boolean closing;

  HttpConnection(HttpListener listener, Arrivals arrivals, AnswerWriter writer, boolean overLimit) {
    this.listener = listener;
    this.writer = writer;
    this.reader = new RequestReader(listener, this, arrivals);
    this.timers = new ConnectionTimers(listener, this, arrivals);
    this.overLimit = overLimit;
  }

  @Override
  public void handlerAdded(ChannelHandlerContext context) {
    ctx = context;
  }

  @Override
  public void handlerRemoved(ChannelHandlerContext context) {
    timers.stop(); // where the connection goes on in HTTP/2
  }

  @Override
  public void channelActive(ChannelHandlerContext context) {
    SocketAddress known = context.channel().remoteAddress();
    remoteAddress = known == null ? UNKNOWN : known;
    if (overLimit) {
      refuseUnread(Refusal.TOO_MANY_CONNECTIONS, "connections: too many open");
      context.flush();
    } else {
      timers.start(context);
    }
    if (listener.isDraining()) {
      var _ = context.executor().schedule(this::drain, LINGER_MILLIS, TimeUnit.MILLISECONDS);
    }
  }

  @Override
  public void channelRead(ChannelHandlerContext context, Object message) {
    inRead = true;
    try {
      if (closing) {
        return;
      }
      if (message instanceof HttpRequest request) {
        reader.head(request);
      }
      if (message instanceof HttpContent content) {
        reader.content(content);
      }
    } finally {
      ReferenceCountUtil.release(message);
    }
  }

  @Override
  public void channelReadComplete(ChannelHandlerContext context) {
    inRead = false;
    timers.afterRead();
    flush();
  }

  @Override
  public void channelWritabilityChanged(ChannelHandlerContext context) {
    applyBackpressure();
  }

  @Override
  public void channelInactive(ChannelHandlerContext context) {
    closing = true;
    timers.stop();
    reader.abort();
    HttpExchange exchange = first;
    first = null;
    last = null;
    while (exchange != null) {
      HttpExchange following = exchange.next;
      exchange.next = null;
      listener.metrics().abandoned();
      detach(exchange);
      exchange = following;
    }
  }

  @Override
  public void userEventTriggered(ChannelHandlerContext context, Object event) {
    if (event instanceof SslHandshakeCompletionEvent handshake && !handshake.isSuccess()) {
      listener.metrics().handshakeFailed();
      LOG.debug("{}: no TLS with {}: {}", listener.name(), remoteAddress, event);
    }
  }

  @Override
  public void exceptionCaught(ChannelHandlerContext context, Throwable cause) {
    boolean stream = context.channel() instanceof Http2StreamChannel;
    if (stream || cause.getCause() instanceof SSLException) {
      LOG.debug("{}: connection of {} failed", listener.name(), remoteAddress, cause);
    } else if (!(cause instanceof IOException)) {
      LOG.warn("{}: connection of {} failed", listener.name(), remoteAddress, cause);
    }
    if (!stream || !(cause instanceof Http2Exception)) {
      var _ = context.close(); // the codec itself ends a stream that broke its rules
    }
  }

  /** Ends the connection at once. */
  void abort() {
    writer.abort(ctx);
  }

  /** Takes the answer to an exchange. Any thread. */
  void answered(HttpExchange exchange) {
    if (ctx.executor().inEventLoop()) {
      send();
      if (!inRead) {
        flush();
      }
    } else if (sendScheduled.compareAndSet(false, true)) {
      try {
        ctx.executor().execute(sendTask);
      } catch (RejectedExecutionException e) {
        exchange.detach(); // the loops have ended, and with them the connection
      }
    }
  }

  /** An exchange has come to its end, answered or not. Any thread. */
  void finished(HttpExchange exchange) {
    if (exchange.admittedBytes >= 0) {
      listener.inFlight().finished(exchange.admittedBytes);
    }
  }

  SocketAddress remoteAddress() {
    return remoteAddress;
  }

  /** Puts a request whose head was read behind the others. */
  void enqueue(HttpExchange exchange) {
    if (last == null) {
      first = exchange;
    } else {
      last.next = exchange;
    }
    last = exchange;
    if (++waiting == PIPELINED) {
      applyBackpressure();
    }
  }

  /** Whether no request is here, whole or in part. */
  boolean isIdle() {
    return first == null && !reader.isReading();
  }

  boolean isClosing() {
    return closing;
  }

  RequestReader reader() {
    return reader;
  }

  /** Answers a request in the handler's place. */
  void refuse(HttpExchange exchange, Refusal refusal, String detail) {
    listener.metrics().refused(refusal);
    RefusalAnswers.Answer answer = listener.refusals().answer(refusal, detail);
    exchange.respond(
        answer.status(),
        answer.headers(),
        Unpooled.copiedBuffer(answer.body(), StandardCharsets.UTF_8));
  }

  /** Answers what never became a request, and ends the connection. */
  void refuseUnread(Refusal refusal, String detail) {
    HttpExchange exchange = new HttpExchange(this, RequestHead.UNREAD, listener.ticker().nanos());
    exchange.closeAfter = true;
    enqueue(exchange);
    refuse(exchange, refusal, detail);
    flush();
  }

  /** Asks the client to go on with its body, once its request is the oldest one. */
  void goOn() {
    writer.goOn(ctx);
    unflushed = true;
    if (!inRead) {
      flush();
    }
  }

  boolean isOldest(HttpExchange exchange) {
    return first == exchange;
  }

  /** The listener has begun to drain: an idle connection ends now, others with their answer. */
  void drain() {
    if (isIdle() && !closing) {
      closing = true;
      var _ = ctx.close();
    }
  }

  private void sendScheduled() {
    sendScheduled.set(false);
    send();
    flush();
  }

  private void send() {
    HttpExchange exchange = first;
    HttpAnswer answer = exchange == null ? null : exchange.answer();
    while (exchange != null && answer != null && !closing) {
      first = exchange.next;
      exchange.next = null;
      if (first == null) {
        last = null;
      }
      if (waiting-- == PIPELINED) {
        applyBackpressure();
      }
      write(exchange, answer);
      exchange = first;
      answer = exchange == null ? null : exchange.answer();
    }
    if (exchange != null) {
      reader.becameOldest(exchange);
    }
  }

  private void write(HttpExchange exchange, HttpAnswer answer) {
    RequestHead request = exchange.head();
    boolean close = exchange.closeAfter || !request.keepAlive() || listener.isDraining();
    int bytes = answer.bodyBytes();
    try {
      writer.write(ctx, request, answer, persistence(request, close));
    } catch (OutOfMemoryError e) {
      LOG.error("{}: no memory for an answer", listener.name(), e);
      answer.discard();
      var _ = ctx.close();
    }
    unflushed = true;
    finished(exchange);
    timers.wrote();
    tell(exchange, answer.status(), bytes);
    if (close) {
      endAfterWrites();
    }
  }

  private void tell(HttpExchange exchange, int status, int bytes) {
    long now = listener.ticker().nanos();
    long nanos = now - exchange.receivedNanos();
    Timings timings = exchange.timings();
    long encodeNanos = timings.isKnown() ? now - timings.ended() : 0;
    listener.metrics().answered(status, exchange.bodyLength(), bytes, nanos);
    if (timings.isKnown()) {
      listener.metrics().phases(timings, encodeNanos);
    }
    if (listener.accessLog().wants(nanos)) {
      listener
          .accessLog()
          .add(
              new AccessLine(
                  System.currentTimeMillis(),
                  remoteAddress,
                  exchange.method(),
                  exchange.path(),
                  ResponseEncoder.statusText(status),
                  exchange.bodyLength(),
                  bytes,
                  nanos,
                  exchange.requestId(),
                  timings,
                  encodeNanos));
    }
  }

  private static AnswerWriter.Persistence persistence(RequestHead request, boolean close) {
    if (close) {
      return AnswerWriter.Persistence.CLOSE;
    }
    return request.oldVersion()
        ? AnswerWriter.Persistence.KEEP_ALIVE
        : AnswerWriter.Persistence.USUAL;
  }

  private void endAfterWrites() {
    closing = true;
    boolean unread = reader.isReading();
    reader.abort();
    var written = writer.finish(ctx);
    unflushed = false;
    if (unread && ctx.channel() instanceof DuplexChannel duplex) {
      ctx.channel().config().setAutoRead(true);
      var _ = written.addListener(_ -> finishSending(duplex));
      var _ = ctx.executor().schedule(this::closeNow, LINGER_MILLIS, TimeUnit.MILLISECONDS);
    } else {
      var _ = written.addListener(ChannelFutureListener.CLOSE);
    }
  }

  private void closeNow() {
    var _ = ctx.close();
  }

  private static void finishSending(DuplexChannel channel) {
    SslHandler tls = channel.pipeline().get(SslHandler.class);
    if (tls == null) {
      var _ = channel.shutdownOutput();
    } else {
      var _ = tls.closeOutbound();
    }
  }

  private void detach(HttpExchange exchange) {
    try {
      exchange.detach();
    } catch (RuntimeException e) {
      LOG.error("{}: a cancel hook failed", listener.name(), e);
    }
  }

  private void flush() {
    if (unflushed) {
      unflushed = false;
      ctx.flush();
    }
  }

  private void applyBackpressure() {
    boolean read = closing || (ctx.channel().isWritable() && waiting < PIPELINED);
    ctx.channel().config().setAutoRead(read);
  }
}
