package dev.nereid.bench;

import dev.nereid.client.Endpoint;
import io.netty.bootstrap.Bootstrap;
import io.netty.bootstrap.ServerBootstrap;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelFutureListener;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.ChannelOption;
import io.netty.channel.EventLoop;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.FixedRecvByteBufAllocator;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.nio.NioIoHandler;
import io.netty.channel.socket.SocketChannel;
import io.netty.channel.socket.nio.NioServerSocketChannel;
import io.netty.channel.socket.nio.NioSocketChannel;
import io.netty.util.concurrent.DefaultThreadFactory;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.ArrayDeque;
import java.util.HashSet;
import java.util.Set;
import java.util.concurrent.TimeUnit;

/**
 * A relay that makes loopback as slow as a link: all connections share its bandwidth in each
 * direction, and every byte takes the delay. What waits on the link is bounded, so that a sender
 * feels the link as it would feel the real one. TCP's own slow start and losses are not emulated.
 *
 * <p>One event loop does it all: what a direction has promised to carry is confined to it.
 */
final class ShapingProxy implements AutoCloseable {
  private static final int CHUNK = 16 << 10;

  /** The last thing under way of a connection that ended. */
  private static final ByteBuf END = Unpooled.EMPTY_BUFFER;

  private static final long QUEUE_NANOS = TimeUnit.MILLISECONDS.toNanos(20);
  private static final long CLOSE_SECONDS = 2;

  private final Endpoint target;
  private final Link link;
  private final EventLoopGroup group;
  private final EventLoop loop;
  private final Channel listener;
  private final Direction up = new Direction();
  private final Direction down = new Direction();
  private final Set<Relay> relays = new HashSet<>(); // confined: loop

  /** When the link is free again. */
  private static final class Direction {
    long freeNanos = System.nanoTime();
  }

  ShapingProxy(Endpoint target, Link link) {
    this.target = target;
    this.link = link;
    this.group =
        new MultiThreadIoEventLoopGroup(
            1, new DefaultThreadFactory("bench-link", true), NioIoHandler.newFactory());
    this.loop = group.next();
    this.listener =
        new ServerBootstrap()
            .group(group)
            .channel(NioServerSocketChannel.class)
            .childOption(ChannelOption.TCP_NODELAY, true)
            .childOption(ChannelOption.AUTO_READ, false)
            .childOption(ChannelOption.RECVBUF_ALLOCATOR, new FixedRecvByteBufAllocator(CHUNK))
            .childHandler(
                new ChannelInitializer<SocketChannel>() {
                  @Override
                  protected void initChannel(SocketChannel channel) {
                    connect(channel);
                  }
                })
            .bind(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0))
            .syncUninterruptibly()
            .channel();
  }

  /** Where clients connect. */
  Endpoint endpoint() {
    return new Endpoint("127.0.0.1", ((InetSocketAddress) listener.localAddress()).getPort());
  }

  private void connect(SocketChannel client) {
    Relay back = new Relay(client, down);
    ChannelFuture connecting =
        new Bootstrap()
            .group(loop)
            .channel(NioSocketChannel.class)
            .option(ChannelOption.TCP_NODELAY, true)
            .option(ChannelOption.AUTO_READ, false)
            .option(ChannelOption.RECVBUF_ALLOCATOR, new FixedRecvByteBufAllocator(CHUNK))
            .handler(back)
            .connect(target.host(), target.port());
    Channel server = connecting.channel();
    client.pipeline().addLast(new Relay(server, up));
    connecting.addListener(
        future -> {
          if (future.isSuccess()) {
            // The handshake crosses the link too.
            var _ =
                loop.schedule(
                    () -> {
                      client.read();
                      server.read();
                    },
                    2 * link.delay().toNanos(),
                    TimeUnit.NANOSECONDS);
          } else {
            var _ = client.close();
          }
        });
  }

  @Override
  public void close() {
    listener.close().syncUninterruptibly();
    loop.submit(() -> relays.forEach(Relay::drop)).syncUninterruptibly();
    var _ =
        group.shutdownGracefully(0, CLOSE_SECONDS, TimeUnit.SECONDS).awaitUninterruptibly(3_000);
  }

  /**
   * Takes from one side and brings to the other, later. Every timer brings what has been under way
   * longest, not what it was set for: timers may fire in another order than they were set in.
   * Confined to the loop.
   */
  private final class Relay extends ChannelInboundHandlerAdapter {
    private final Channel other;
    private final Direction direction;
    private final ArrayDeque<ByteBuf> underWay = new ArrayDeque<>();

    Relay(Channel other, Direction direction) {
      this.other = other;
      this.direction = direction;
    }

    @Override
    public void handlerAdded(ChannelHandlerContext ctx) {
      relays.add(this);
    }

    @Override
    public void handlerRemoved(ChannelHandlerContext ctx) {
      if (underWay.isEmpty()) {
        relays.remove(this);
      }
    }

    void drop() {
      underWay.forEach(ByteBuf::release);
      underWay.clear();
    }

    @Override
    public void channelRead(ChannelHandlerContext ctx, Object message) {
      if (!(message instanceof ByteBuf bytes)) {
        ctx.fireChannelRead(message);
        return;
      }
      long now = System.nanoTime();
      long carried =
          link.bytesPerSecond() == 0
              ? 0
              : (long) (bytes.readableBytes() * 1e9 / link.bytesPerSecond());
      direction.freeNanos = Math.max(now, direction.freeNanos) + carried;
      long arrival = direction.freeNanos + link.delay().toNanos();
      underWay.add(bytes);
      var _ = loop.schedule(this::deliver, arrival - now, TimeUnit.NANOSECONDS);
      // The next is taken when the link has room for it.
      long room = direction.freeNanos - QUEUE_NANOS - now;
      if (room <= 0) {
        ctx.read();
      } else {
        var _ = loop.schedule(ctx::read, room, TimeUnit.NANOSECONDS);
      }
    }

    @SuppressWarnings("ReferenceEquality") // the end is told by a buffer of its own
    private void deliver() {
      ByteBuf bytes = underWay.poll();
      if (bytes == null) {
        return;
      }
      boolean end = bytes == END;
      if (other.isActive()) {
        ChannelFuture written = other.writeAndFlush(bytes);
        if (end) {
          written.addListener(ChannelFutureListener.CLOSE);
        }
      } else {
        bytes.release();
      }
      if (end) {
        relays.remove(this);
      }
    }

    @Override
    public void channelInactive(ChannelHandlerContext ctx) {
      long arrival = direction.freeNanos + link.delay().toNanos();
      underWay.add(END);
      var _ =
          loop.schedule(
              this::deliver, Math.max(0, arrival - System.nanoTime()), TimeUnit.NANOSECONDS);
    }

    @Override
    public void exceptionCaught(ChannelHandlerContext ctx, Throwable cause) {
      var _ = ctx.close();
    }
  }
}
