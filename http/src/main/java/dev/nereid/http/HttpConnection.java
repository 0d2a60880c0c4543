package dev.nereid.http;

import io.netty.buffer.Unpooled;
import io.netty.channel.Channel;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.handler.codec.http.HttpContent;
import io.netty.handler.codec.http.HttpRequest;
import io.netty.handler.codec.http2.Http2Exception;
import io.netty.handler.codec.http2.Http2StreamChannel;
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
   * Ownership. Confined to the event loop, except `answered`, `wake` and `finished`. An exchange
   * stands in the queue from its head's arrival until its answer is given to the channel.
   *
   * Order. Answers leave in the order of their requests. Those that complete while bytes are being
   * read, or that other threads complete before the loop comes by, leave in one flush.
   *
   * Backpressure. Nothing is read while the client does not take its answers, or has PIPELINED
   * requests waiting; a body that is made while it is written is asked for no more.
   *
   * Shutdown. When the connection ends, open exchanges are detached: their cancel hooks run, and
   * their answers, which are still due, are discarded by whoever gives them.
   */
  private static final Logger LOG = LoggerFactory.getLogger(HttpConnection.class);
  private static final int PIPELINED = 64;
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
  private @Nullable StreamedBody streaming; // of first
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
      var _ =
          context.executor().schedule(this::drain, LastWords.LINGER_MILLIS, TimeUnit.MILLISECONDS);
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
    if (streaming != null && context.channel().isWritable()) {
      answered();
    }
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
    if (!wake()) {
      exchange.detach(); // the loops have ended, and with them the connection
    }
  }

  /** Comes by for answers that are there; false when it cannot any more. Any thread. */
  boolean wake() {
    if (ctx.executor().inEventLoop()) {
      answered();
    } else if (sendScheduled.compareAndSet(false, true)) {
      try {
        ctx.executor().execute(sendTask);
      } catch (RejectedExecutionException e) {
        return false;
      }
    }
    return true;
  }

  private void answered() {
    send();
    if (!inRead) {
      flush();
    }
  }

  /** An exchange has come to its end, answered or not. Any thread. */
  void finished(HttpExchange exchange) {
    exchange.over();
    if (exchange.admittedBytes >= 0) {
      listener.inFlight().finished(exchange.admittedBytes);
    }
  }

  SocketAddress remoteAddress() {
    return remoteAddress;
  }

  Channel channel() {
    return ctx.channel();
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
      if (answer.source() != null && !isStreamed(exchange, answer, answer.source())) {
        return;
      }
      first = exchange.next;
      exchange.next = null;
      if (first == null) {
        last = null;
      }
      if (waiting-- == PIPELINED) {
        applyBackpressure();
      }
      if (answer.source() == null) {
        write(exchange, answer);
      } else {
        streamed(exchange, answer);
      }
      exchange = first;
      answer = exchange == null ? null : exchange.answer();
    }
    if (exchange != null) {
      reader.becameOldest(exchange);
    }
  }

  /** Writes what the connection takes of a body that is being made; true once it has ended. */
  private boolean isStreamed(HttpExchange exchange, HttpAnswer answer, BodySource source) {
    StreamedBody body = streaming;
    if (body == null) {
      RequestHead request = exchange.head();
      body = new StreamedBody(ctx, writer, request, source);
      body.begin(answer, AnswerWriter.Persistence.of(request, endsAfter(exchange)));
      streaming = body;
      unflushed = true;
    }
    boolean wrote = body.write();
    unflushed |= wrote;
    if (wrote) {
      timers.wrote();
    }
    return body.isEnded() && !closing;
  }

  private void streamed(HttpExchange exchange, HttpAnswer answer) {
    StreamedBody body = streaming;
    streaming = null;
    answer.discard();
    finished(exchange);
    timers.wrote();
    long bytes = body == null ? 0 : body.bytes();
    AnswerReport.tell(listener, remoteAddress, exchange, answer.status(), bytes);
    if (endsAfter(exchange) || exchange.head().oldVersion()) {
      endAfterWrites();
    }
  }

  private boolean endsAfter(HttpExchange exchange) {
    return exchange.closeAfter || !exchange.head().keepAlive() || listener.isDraining();
  }

  private void write(HttpExchange exchange, HttpAnswer answer) {
    RequestHead request = exchange.head();
    boolean close = endsAfter(exchange);
    int bytes = answer.bodyBytes();
    try {
      writer.write(ctx, request, answer, AnswerWriter.Persistence.of(request, close));
    } catch (OutOfMemoryError e) {
      LOG.error("{}: no memory for an answer", listener.name(), e);
      answer.discard();
      var _ = ctx.close();
    }
    unflushed = true;
    finished(exchange);
    timers.wrote();
    AnswerReport.tell(listener, remoteAddress, exchange, answer.status(), bytes);
    if (close) {
      endAfterWrites();
    }
  }

  private void endAfterWrites() {
    closing = true;
    boolean unread = reader.isReading();
    reader.abort();
    unflushed = false;
    LastWords.closeAfter(writer.finish(ctx), ctx, unread);
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
