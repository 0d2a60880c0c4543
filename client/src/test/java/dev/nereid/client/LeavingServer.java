package dev.nereid.client;

import com.google.protobuf.Message;
import dev.nereid.config.proto.ModelConfig;
import dev.nereid.protocol.proto.ModelConfigResponse;
import dev.nereid.protocol.proto.RepositoryIndexResponse;
import dev.nereid.protocol.proto.ServerLiveResponse;
import dev.nereid.protocol.proto.ServerReadyResponse;
import io.netty.bootstrap.ServerBootstrap;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.Channel;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.nio.NioIoHandler;
import io.netty.channel.socket.SocketChannel;
import io.netty.channel.socket.nio.NioServerSocketChannel;
import io.netty.handler.codec.http2.DefaultHttp2DataFrame;
import io.netty.handler.codec.http2.DefaultHttp2Headers;
import io.netty.handler.codec.http2.DefaultHttp2HeadersFrame;
import io.netty.handler.codec.http2.DefaultHttp2ResetFrame;
import io.netty.handler.codec.http2.Http2DataFrame;
import io.netty.handler.codec.http2.Http2Error;
import io.netty.handler.codec.http2.Http2FrameCodec;
import io.netty.handler.codec.http2.Http2FrameCodecBuilder;
import io.netty.handler.codec.http2.Http2FrameStream;
import io.netty.handler.codec.http2.Http2Headers;
import io.netty.handler.codec.http2.Http2HeadersFrame;
import io.netty.util.ReferenceCountUtil;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.HashMap;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * A v2 server, as far as a prober asks, that begins with no inference: it says so in the ways of
 * HTTP/2 that no server of gRPC's own can be made to use.
 */
final class LeavingServer implements AutoCloseable {
  /** How it is said. */
  enum Manner {
    /** The stream is reset, as not begun with. */
    REFUSED_STREAM,
    /** The connection ends, and the last stream begun with was an earlier one. */
    GOAWAY
  }

  private static final int GRPC_PREFIX = 5;

  private final EventLoopGroup group =
      new MultiThreadIoEventLoopGroup(1, NioIoHandler.newFactory());
  private final AtomicInteger inferences = new AtomicInteger();
  private final String model;
  private final Manner manner;
  private final Channel listener;

  LeavingServer(String model, Manner manner) {
    this.model = model;
    this.manner = manner;
    listener =
        new ServerBootstrap()
            .group(group)
            .channel(NioServerSocketChannel.class)
            .childHandler(
                new ChannelInitializer<SocketChannel>() {
                  @Override
                  protected void initChannel(SocketChannel channel) {
                    channel
                        .pipeline()
                        .addLast(Http2FrameCodecBuilder.forServer().build(), new Session());
                  }
                })
            .bind(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0))
            .syncUninterruptibly()
            .channel();
  }

  Endpoint endpoint() {
    return new Endpoint("127.0.0.1", ((InetSocketAddress) listener.localAddress()).getPort());
  }

  int inferences() {
    return inferences.get();
  }

  /** One connection. */
  private final class Session extends ChannelInboundHandlerAdapter {
    private final Map<Integer, String> paths = new HashMap<>();

    @Override
    public void channelRead(ChannelHandlerContext ctx, Object message) {
      try {
        if (message instanceof Http2HeadersFrame head) {
          paths.put(head.stream().id(), head.headers().path().toString());
        } else if (message instanceof Http2DataFrame data && data.isEndStream()) {
          String path = Objects.requireNonNull(paths.remove(data.stream().id()));
          answer(ctx, data.stream(), path);
        }
      } finally {
        ReferenceCountUtil.release(message);
      }
    }

    private void answer(ChannelHandlerContext ctx, Http2FrameStream stream, String path) {
      switch (path.substring(path.lastIndexOf('/') + 1)) {
        case "ServerLive" ->
            reply(ctx, stream, ServerLiveResponse.newBuilder().setLive(true).build());
        case "ServerReady" ->
            reply(ctx, stream, ServerReadyResponse.newBuilder().setReady(true).build());
        case "RepositoryIndex" -> {
          var index = RepositoryIndexResponse.newBuilder();
          index.addModelsBuilder().setName(model).setVersion("1").setState("READY");
          reply(ctx, stream, index.build());
        }
        case "ModelConfig" -> {
          var config = ModelConfig.newBuilder().setName(model);
          config.getSequenceBatchingBuilder();
          reply(ctx, stream, ModelConfigResponse.newBuilder().setConfig(config).build());
        }
        case "ModelInfer" -> {
          inferences.incrementAndGet();
          leave(ctx, stream);
        }
        default -> end(ctx, stream, Status.UNIMPLEMENTED);
      }
    }

    private void leave(ChannelHandlerContext ctx, Http2FrameStream stream) {
      switch (manner) {
        case REFUSED_STREAM -> {
          var reset = new DefaultHttp2ResetFrame(Http2Error.REFUSED_STREAM).stream(stream);
          var _ = ctx.writeAndFlush(reset, ctx.voidPromise());
        }
        case GOAWAY -> {
          // The codec cannot say less than it has seen, so this goes past it.
          ByteBuf frame = Unpooled.buffer();
          frame.writeMedium(8).writeByte(7).writeByte(0).writeInt(0);
          frame.writeInt(stream.id() - 2).writeInt((int) Http2Error.NO_ERROR.code());
          ChannelHandlerContext codec = ctx.pipeline().context(Http2FrameCodec.class);
          var _ = codec.writeAndFlush(frame, ctx.voidPromise());
        }
      }
    }

    private void reply(ChannelHandlerContext ctx, Http2FrameStream stream, Message message) {
      byte[] bytes = message.toByteArray();
      ByteBuf framed = Unpooled.buffer(GRPC_PREFIX + bytes.length);
      framed.writeByte(0).writeInt(bytes.length).writeBytes(bytes);
      var _ = ctx.write(new DefaultHttp2HeadersFrame(head()).stream(stream), ctx.voidPromise());
      var _ = ctx.write(new DefaultHttp2DataFrame(framed).stream(stream), ctx.voidPromise());
      Http2Headers trailers = new DefaultHttp2Headers().set("grpc-status", "0");
      var _ =
          ctx.writeAndFlush(
              new DefaultHttp2HeadersFrame(trailers, true).stream(stream), ctx.voidPromise());
    }

    private void end(ChannelHandlerContext ctx, Http2FrameStream stream, Status status) {
      Http2Headers only = head().set("grpc-status", Integer.toString(status.code));
      var _ =
          ctx.writeAndFlush(
              new DefaultHttp2HeadersFrame(only, true).stream(stream), ctx.voidPromise());
    }

    private static Http2Headers head() {
      return new DefaultHttp2Headers().status("200").set("content-type", "application/grpc");
    }
  }

  /** gRPC's numbers. */
  private enum Status {
    UNIMPLEMENTED(12);

    private final int code;

    Status(int code) {
      this.code = code;
    }
  }

  @Override
  public void close() {
    listener.close().syncUninterruptibly();
    group.shutdownGracefully(0, 5, TimeUnit.SECONDS).awaitUninterruptibly(5, TimeUnit.SECONDS);
  }
}
