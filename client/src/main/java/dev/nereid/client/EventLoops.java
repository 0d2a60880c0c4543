package dev.nereid.client;

import io.netty.channel.Channel;
import io.netty.channel.ChannelFactory;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.ReflectiveChannelFactory;
import io.netty.channel.epoll.Epoll;
import io.netty.channel.epoll.EpollIoHandler;
import io.netty.channel.epoll.EpollSocketChannel;
import io.netty.channel.nio.NioIoHandler;
import io.netty.channel.socket.nio.NioSocketChannel;
import io.netty.util.concurrent.DefaultThreadFactory;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;

/**
 * The threads that do a client's input and output; replies are delivered on them. One may be shared
 * by any number of clients and is closed after all of them. Thread-safe.
 */
public final class EventLoops implements AutoCloseable {
  /** What the name of every thread begins with. */
  public static final String THREAD_NAME_PREFIX = "nereid-client";

  private static final long CLOSE_SECONDS = 5;

  private final EventLoopGroup group;
  private final int threads;
  private final WireCounter wire = new WireCounter();
  private final Class<? extends Channel> channelType;
  private final boolean owned;

  private EventLoops(
      EventLoopGroup group, int threads, Class<? extends Channel> channelType, boolean owned) {
    this.group = group;
    this.threads = threads;
    this.channelType = channelType;
    this.owned = owned;
  }

  /** So many daemon threads, over epoll where the machine has it. */
  public static EventLoops of(int threads) {
    if (threads < 1) {
      throw new IllegalArgumentException("threads: " + threads + " (expected: >= 1)");
    }
    boolean epoll = Epoll.isAvailable();
    EventLoopGroup group =
        new MultiThreadIoEventLoopGroup(
            threads,
            new DefaultThreadFactory(THREAD_NAME_PREFIX, true),
            epoll ? EpollIoHandler.newFactory() : NioIoHandler.newFactory());
    return new EventLoops(
        group, threads, epoll ? EpollSocketChannel.class : NioSocketChannel.class, true);
  }

  /**
   * Somebody else's threads, which closing leaves alone.
   *
   * @param channelType what connects on them
   */
  public static EventLoops shared(
      EventLoopGroup group, int threads, Class<? extends Channel> channelType) {
    return new EventLoops(group, threads, channelType, false);
  }

  /** How many threads there are. */
  public int threads() {
    return threads;
  }

  /** What the clients on these threads have sent and received so far. */
  public Traffic traffic() {
    return wire.read();
  }

  /** The threads themselves, for work that belongs next to the connections and never blocks. */
  public List<ScheduledExecutorService> executors() {
    List<ScheduledExecutorService> all = new ArrayList<>(threads);
    group.forEach(all::add);
    return all;
  }

  /** Ends the threads; connections still open are closed. Waits a few seconds at most. */
  @Override
  public void close() {
    if (!owned) {
      return;
    }
    var _ =
        group
            .shutdownGracefully(0, CLOSE_SECONDS, TimeUnit.SECONDS)
            .awaitUninterruptibly(CLOSE_SECONDS, TimeUnit.SECONDS);
  }

  EventLoopGroup group() {
    return group;
  }

  Class<? extends Channel> channelType() {
    return channelType;
  }

  /** Makes sockets whose traffic is counted. */
  ChannelFactory<Channel> channels() {
    var plain = new ReflectiveChannelFactory<Channel>(channelType());
    return () -> {
      Channel channel = plain.newChannel();
      channel.pipeline().addLast(wire);
      return channel;
    };
  }
}
