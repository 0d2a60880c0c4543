package dev.nereid.server;

import dev.nereid.http.EventLoops;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFactory;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.ReflectiveChannelFactory;
import io.netty.channel.ServerChannel;
import io.netty.handler.codec.ByteToMessageDecoder;
import io.netty.handler.codec.http2.Http2ConnectionHandler;

/**
 * Makes the channel that gRPC listens on, so that large messages are not copied while their frames
 * are put together: a read rarely ends where a frame ends, and the HTTP/2 decoder by default copies
 * each read behind what was left of the one before. Here it joins them without a copy, and shows
 * them to {@link GrpcGathering} before gRPC has them.
 *
 * <p>Thread-safe.
 */
final class GrpcChannels implements ChannelFactory<ServerChannel> {
  private final ChannelFactory<? extends ServerChannel> channels;
  private final GrpcGathering gathering;

  GrpcChannels(EventLoops loops, GrpcGathering gathering) {
    this.gathering = gathering;
    channels = new ReflectiveChannelFactory<>(loops.serverChannel());
  }

  @Override
  public ServerChannel newChannel() {
    ServerChannel channel = channels.newChannel();
    channel.pipeline().addLast(new OnAccept());
    return channel;
  }

  /** Meets every accepted connection before gRPC does. */
  private final class OnAccept extends ChannelInboundHandlerAdapter {
    @Override
    public void channelRead(ChannelHandlerContext context, Object accepted) {
      if (accepted instanceof Channel connection) {
        connection.pipeline().addLast(new OnRead());
      }
      context.fireChannelRead(accepted);
    }
  }

  /** Waits for the HTTP/2 decoder, which gRPC adds when a connection's protocol is settled. */
  private final class OnRead extends ChannelInboundHandlerAdapter {
    @Override
    public void channelRead(ChannelHandlerContext context, Object bytes) {
      Http2ConnectionHandler decoder = context.pipeline().get(Http2ConnectionHandler.class);
      if (decoder != null) {
        decoder.setCumulator(ByteToMessageDecoder.COMPOSITE_CUMULATOR);
        gathering.begin(decoder.decoder());
        context.pipeline().remove(this);
      }
      context.fireChannelRead(bytes);
    }
  }
}
