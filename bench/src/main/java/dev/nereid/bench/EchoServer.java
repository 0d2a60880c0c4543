package dev.nereid.bench;

import io.grpc.Drainable;
import io.grpc.HasByteBuffer;
import io.grpc.KnownLength;
import io.grpc.MethodDescriptor;
import io.grpc.Server;
import io.grpc.ServerServiceDefinition;
import io.grpc.netty.NettyServerBuilder;
import io.grpc.stub.ServerCalls;
import io.netty.bootstrap.ServerBootstrap;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.PooledByteBufAllocator;
import io.netty.buffer.Unpooled;
import io.netty.channel.Channel;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.epoll.Epoll;
import io.netty.channel.epoll.EpollIoHandler;
import io.netty.channel.epoll.EpollServerSocketChannel;
import io.netty.channel.nio.NioIoHandler;
import io.netty.channel.socket.ServerSocketChannel;
import io.netty.channel.socket.SocketChannel;
import io.netty.channel.socket.nio.NioServerSocketChannel;
import io.netty.handler.codec.http.DefaultFullHttpResponse;
import io.netty.handler.codec.http.HttpContent;
import io.netty.handler.codec.http.HttpDecoderConfig;
import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpRequest;
import io.netty.handler.codec.http.HttpResponseStatus;
import io.netty.handler.codec.http.HttpServerCodec;
import io.netty.handler.codec.http.HttpUtil;
import io.netty.handler.codec.http.HttpVersion;
import io.netty.handler.codec.http.LastHttpContent;
import io.netty.util.ReferenceCountUtil;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.util.concurrent.TimeUnit;

/**
 * The same transports as the server's with nothing behind them: grpc-java with an own marshaller,
 * and Netty's HTTP/1.1 codec. What a request costs here is the least it can cost there.
 */
final class EchoServer implements AutoCloseable {
  private static final int WINDOW = 8 << 20;
  private static final int MAX_CHUNK = 1 << 20;
  private static final String SERVICE = "inference.GRPCInferenceService";

  /**
   * What every model is said to be, so that a load can be made for it: name "echo", one input "x",
   * FP32, [-1, 64]. The message's bytes, field by field.
   */
  private static final byte[] METADATA = {
    0x0a,
    4,
    'e',
    'c',
    'h',
    'o', // name
    0x22,
    22, // inputs
    0x0a,
    1,
    'x',
    0x12,
    4,
    'F',
    'P',
    '3',
    '2', // name, datatype
    0x1a,
    11,
    -1,
    -1,
    -1,
    -1,
    -1,
    -1,
    -1,
    -1,
    -1,
    1,
    64 // shape: the varints of -1 and 64
  };

  private final EventLoopGroup group;
  private final Server grpc;
  private final Channel http;

  private EchoServer(EventLoopGroup group, Server grpc, Channel http) {
    this.group = group;
    this.grpc = grpc;
    this.http = http;
  }

  /** Listens on both ports; 0 for any. */
  static EchoServer start(int grpcPort, int httpPort) throws IOException {
    boolean epoll = Epoll.isAvailable();
    Class<? extends ServerSocketChannel> type =
        epoll ? EpollServerSocketChannel.class : NioServerSocketChannel.class;
    EventLoopGroup group =
        new MultiThreadIoEventLoopGroup(
            Runtime.getRuntime().availableProcessors(),
            epoll ? EpollIoHandler.newFactory() : NioIoHandler.newFactory());
    Server grpc =
        NettyServerBuilder.forAddress(new InetSocketAddress(grpcPort))
            .bossEventLoopGroup(group)
            .workerEventLoopGroup(group)
            .channelType(type)
            .directExecutor()
            .flowControlWindow(WINDOW)
            .maxInboundMessageSize(Integer.MAX_VALUE)
            .addService(service())
            .build()
            .start();
    Channel http =
        new ServerBootstrap()
            .group(group)
            .channel(type)
            .childHandler(
                new ChannelInitializer<SocketChannel>() {
                  @Override
                  protected void initChannel(SocketChannel channel) {
                    channel
                        .pipeline()
                        .addLast(
                            new HttpServerCodec(new HttpDecoderConfig().setMaxChunkSize(MAX_CHUNK)))
                        .addLast(new HttpEcho());
                  }
                })
            .bind(httpPort)
            .syncUninterruptibly()
            .channel();
    return new EchoServer(group, grpc, http);
  }

  int grpcPort() {
    return grpc.getPort();
  }

  int httpPort() {
    return ((InetSocketAddress) http.localAddress()).getPort();
  }

  @Override
  public void close() {
    grpc.shutdownNow();
    http.close().syncUninterruptibly();
    var _ = group.shutdownGracefully(0, 1, TimeUnit.SECONDS);
  }

  private static ServerServiceDefinition service() {
    return ServerServiceDefinition.builder(SERVICE)
        .addMethod(
            method("ModelInfer"),
            ServerCalls.asyncUnaryCall(
                (message, reply) -> {
                  reply.onNext(message);
                  reply.onCompleted();
                }))
        .addMethod(
            method("ModelMetadata"),
            ServerCalls.asyncUnaryCall(
                (message, reply) -> {
                  message.release();
                  reply.onNext(Unpooled.wrappedBuffer(METADATA));
                  reply.onCompleted();
                }))
        .build();
  }

  private static MethodDescriptor<ByteBuf, ByteBuf> method(String name) {
    return MethodDescriptor.<ByteBuf, ByteBuf>newBuilder()
        .setType(MethodDescriptor.MethodType.UNARY)
        .setFullMethodName(SERVICE + "/" + name)
        .setRequestMarshaller(new Bytes())
        .setResponseMarshaller(new Bytes())
        .build();
  }

  /** Messages as pooled bytes; whoever writes one releases it. */
  private static final class Bytes implements MethodDescriptor.Marshaller<ByteBuf> {
    @Override
    public InputStream stream(ByteBuf message) {
      return new Message(message);
    }

    @Override
    public ByteBuf parse(InputStream stream) {
      try (stream) {
        ByteBuf message =
            PooledByteBufAllocator.DEFAULT.directBuffer(Math.max(1, stream.available()));
        while (stream instanceof HasByteBuffer chunks && stream.available() > 0) {
          ByteBuffer chunk = chunks.byteBufferSupported() ? chunks.getByteBuffer() : null;
          if (chunk == null) {
            break;
          }
          int length = chunk.remaining();
          message.writeBytes(chunk);
          stream.skipNBytes(length);
        }
        message.writeBytes(stream, stream.available());
        return message;
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }
  }

  private static final class Message extends InputStream implements KnownLength, Drainable {
    private final ByteBuf bytes;

    Message(ByteBuf bytes) {
      this.bytes = bytes;
    }

    @Override
    public int read() {
      return bytes.isReadable() ? bytes.readUnsignedByte() : -1;
    }

    @Override
    public int read(byte[] target, int offset, int length) {
      int count = Math.min(length, bytes.readableBytes());
      bytes.readBytes(target, offset, count);
      return count == 0 && length > 0 ? -1 : count;
    }

    @Override
    public int available() {
      return bytes.refCnt() == 0 ? 0 : bytes.readableBytes();
    }

    @Override
    public int drainTo(OutputStream target) throws IOException {
      int length = bytes.readableBytes();
      bytes.readBytes(target, length);
      bytes.release();
      return length;
    }
  }

  /** Collects a body into one buffer and answers with it. */
  private static final class HttpEcho extends ChannelInboundHandlerAdapter {
    private ByteBuf body = Unpooled.EMPTY_BUFFER;

    @Override
    public void channelRead(ChannelHandlerContext ctx, Object message) {
      try {
        if (message instanceof HttpRequest request) {
          int length = Math.max(1, (int) HttpUtil.getContentLength(request, 0L));
          body = ctx.alloc().directBuffer(length);
        }
        if (message instanceof HttpContent content) {
          body.writeBytes(content.content());
          if (content instanceof LastHttpContent) {
            var response =
                new DefaultFullHttpResponse(HttpVersion.HTTP_1_1, HttpResponseStatus.OK, body);
            response.headers().set(HttpHeaderNames.CONTENT_LENGTH, body.readableBytes());
            body = Unpooled.EMPTY_BUFFER;
            var _ = ctx.writeAndFlush(response, ctx.voidPromise());
          }
        }
      } finally {
        ReferenceCountUtil.release(message);
      }
    }

    @Override
    public void channelInactive(ChannelHandlerContext ctx) {
      body.release();
      body = Unpooled.EMPTY_BUFFER;
    }
  }
}
