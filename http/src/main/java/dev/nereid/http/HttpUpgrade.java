package dev.nereid.http;

import io.netty.buffer.Unpooled;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.ChannelPipeline;
import io.netty.handler.codec.http.DefaultFullHttpRequest;
import io.netty.handler.codec.http.EmptyHttpHeaders;
import io.netty.handler.codec.http.FullHttpRequest;
import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpHeaders;
import io.netty.handler.codec.http.HttpRequest;
import io.netty.handler.codec.http.HttpVersion;
import io.netty.handler.codec.http.LastHttpContent;
import io.netty.handler.codec.http2.Http2CodecUtil;
import io.netty.handler.codec.http2.Http2FrameCodec;
import io.netty.handler.codec.http2.Http2Settings;
import io.netty.handler.codec.http2.HttpConversionUtil.ExtensionHeaderNames;
import io.netty.handler.codec.http2.InboundHttpToHttp2Adapter;
import io.netty.handler.ssl.SslHandler;
import io.netty.util.ReferenceCountUtil;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import org.jspecify.annotations.Nullable;

/**
 * Lets a client that asks for it in the first request of its connection go on in HTTP/2, where the
 * request has no body; any other request is served as it came. Leaves after that request.
 */
final class HttpUpgrade extends ChannelInboundHandlerAdapter {
  private static final byte[] SWITCHING =
      "HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: h2c\r\n\r\n"
          .getBytes(StandardCharsets.US_ASCII);
  private static final int SETTING_BYTES = 6;
  private static final int MOST_SETTINGS = 32;

  private final HttpListener listener;
  private @Nullable HttpRequest asking;
  private @Nullable Http2Settings settings;

  HttpUpgrade(HttpListener listener) {
    this.listener = listener;
  }

  @Override
  public void channelRead(ChannelHandlerContext ctx, Object message) throws Exception {
    if (message instanceof HttpRequest request) {
      boolean plain = ctx.pipeline().get(SslHandler.class) == null; // else the handshake chose
      settings = plain ? wanted(request) : null;
      if (settings != null) {
        asking = request;
        return;
      }
      ctx.pipeline().remove(this);
    }
    if (asking == null || settings == null) {
      ctx.fireChannelRead(message);
      return;
    }
    ReferenceCountUtil.release(message);
    if (message instanceof LastHttpContent) {
      upgrade(ctx, asking, settings);
    }
  }

  /** The client's settings, if it may go on in HTTP/2. */
  private @Nullable Http2Settings wanted(HttpRequest request) {
    HttpHeaders headers = request.headers();
    if (!headers.containsValue(HttpHeaderNames.UPGRADE, "h2c", true)
        || request.decoderResult().isFailure()
        || listener.isDraining()) {
      return null;
    }
    RequestHead head = RequestHead.of(request);
    var given = headers.getAll("http2-settings");
    if (head.oldVersion()
        || head.chunked()
        || head.contentLength() > 0
        || given.size() != 1
        || !headers.containsValue(HttpHeaderNames.CONNECTION, "upgrade", true)
        || HeadCheck.check(head, listener.limits()) != null) {
      return null;
    }
    return settings(given.getFirst());
  }

  /** The payload of a SETTINGS frame in base64; null when it is none. */
  private static @Nullable Http2Settings settings(String base64) {
    try {
      ByteBuffer payload = ByteBuffer.wrap(Base64.getUrlDecoder().decode(base64.strip()));
      if (payload.remaining() % SETTING_BYTES != 0
          || payload.remaining() > SETTING_BYTES * MOST_SETTINGS) {
        return null;
      }
      Http2Settings settings = new Http2Settings();
      while (payload.hasRemaining()) {
        settings.put(payload.getChar(), (Long) Integer.toUnsignedLong(payload.getInt()));
      }
      return settings;
    } catch (IllegalArgumentException e) {
      return null;
    }
  }

  private void upgrade(ChannelHandlerContext ctx, HttpRequest request, Http2Settings theirs)
      throws Exception {
    var _ = ctx.write(Unpooled.wrappedBuffer(SWITCHING));
    ChannelPipeline pipeline = ctx.pipeline();
    pipeline.remove(HttpConnection.class);
    Http2FrameCodec codec = Http2Session.install(listener, pipeline);
    codec.onHttpServerUpgrade(theirs);
    FullHttpRequest first =
        new DefaultFullHttpRequest(
            HttpVersion.HTTP_1_1,
            request.method(),
            request.uri(),
            Unpooled.EMPTY_BUFFER,
            request.headers(),
            EmptyHttpHeaders.INSTANCE);
    first
        .headers()
        .setInt(ExtensionHeaderNames.STREAM_ID.text(), Http2CodecUtil.HTTP_UPGRADE_STREAM_ID);
    new InboundHttpToHttp2Adapter(codec.connection(), codec.decoder().frameListener())
        .channelRead(pipeline.context(codec), first);
    pipeline.remove(this);
    pipeline.remove(RequestDecoder.class); // which hands on what it has read beyond the request
    ctx.flush();
  }
}
