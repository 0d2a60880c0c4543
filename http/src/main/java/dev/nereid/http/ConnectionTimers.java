package dev.nereid.http;

import io.netty.channel.Channel;
import io.netty.channel.ChannelHandlerContext;
import io.netty.handler.codec.http2.Http2StreamChannel;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * Ends connections that are idle, that do not take their answer, or whose request does not come. A
 * request costs no timer: one for idleness re-arms itself for as long as the connection lives, one
 * for reading is armed only by a request that did not come whole at once. Confined to the event
 * loop.
 */
final class ConnectionTimers {
  private final HttpListener listener;
  private final HttpConnection connection;
  private final Arrivals arrivals;
  private final long idleNanos;
  private final long readNanos;
  private final int bytesPerSecond;

  @SuppressWarnings("NullAway.Init") // start comes first
  private ChannelHandlerContext ctx;

  private @Nullable ScheduledFuture<?> idleTimer;
  private @Nullable ScheduledFuture<?> readTimer;
  private long wroteNanos;
  private long stalledBytes;

  ConnectionTimers(HttpListener listener, HttpConnection connection, Arrivals arrivals) {
    this.listener = listener;
    this.connection = connection;
    this.arrivals = arrivals;
    ListenerOptions.Timeouts timeouts = listener.timeouts();
    this.idleNanos = timeouts.idle().toNanos();
    this.readNanos = timeouts.read().toNanos();
    this.bytesPerSecond = timeouts.bytesPerSecond();
  }

  void start(ChannelHandlerContext context) {
    ctx = context;
    wroteNanos = listener.ticker().nanos();
    idleTimer = schedule(this::checkIdle, idleNanos);
  }

  void wrote() {
    wroteNanos = listener.ticker().nanos();
  }

  /** All bytes at hand were read: if a request is still incomplete, its time begins to count. */
  void afterRead() {
    if (readTimer == null && idleTimer != null && connection.reader().isReading()) {
      readTimer = schedule(this::checkRead, readNanos);
    }
  }

  void stop() {
    cancel(idleTimer);
    cancel(readTimer);
    idleTimer = null;
    readTimer = null;
  }

  private void checkIdle() {
    long now = listener.ticker().nanos();
    long pending = pendingBytes();
    if (pending > 0 && pending == stalledBytes) {
      connection.abort();
      return;
    }
    stalledBytes = pending;
    long since = now - Math.max(arrivals.readNanos(), wroteNanos);
    if (pending == 0 && connection.isIdle() && since >= idleNanos) {
      var _ = ctx.close();
      return;
    }
    long rest = idleNanos - since;
    idleTimer = schedule(this::checkIdle, rest > 0 && pending == 0 ? rest : idleNanos);
  }

  private void checkRead() {
    readTimer = null;
    if (connection.isClosing() || !connection.reader().isReading()) {
      return;
    }
    HttpExchange exchange = connection.reader().reading();
    long began = exchange == null ? arrivals.firstByteNanos() : exchange.receivedNanos();
    long bodyNanos = TimeUnit.SECONDS.toNanos(1) * connection.reader().bodyBytes() / bytesPerSecond;
    long rest = began + readNanos + bodyNanos - listener.ticker().nanos();
    if (rest > 0) {
      readTimer = schedule(this::checkRead, rest);
    } else if (exchange == null) {
      connection.refuseUnread(Refusal.SLOW, "request: did not arrive in time");
    } else {
      connection.reader().hangUp(exchange, Refusal.SLOW, "body: did not arrive in time");
    }
  }

  private long pendingBytes() {
    Channel channel = ctx.channel();
    if (channel instanceof Http2StreamChannel) {
      return channel.isWritable()
          ? channel.config().getWriteBufferHighWaterMark() + 1 - channel.bytesBeforeUnwritable()
          : channel.config().getWriteBufferLowWaterMark() + channel.bytesBeforeWritable();
    }
    var buffer = channel.unsafe().outboundBuffer();
    return buffer == null ? 0 : buffer.totalPendingWriteBytes();
  }

  private ScheduledFuture<?> schedule(Runnable check, long nanos) {
    return ctx.executor().schedule(check, nanos, TimeUnit.NANOSECONDS);
  }

  private static void cancel(@Nullable ScheduledFuture<?> timer) {
    if (timer != null) {
      timer.cancel(false);
    }
  }
}
