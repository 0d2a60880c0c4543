package dev.nereid.http;

import io.netty.channel.Channel;
import io.netty.channel.ChannelOption;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.IoHandlerFactory;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.ServerChannel;
import io.netty.channel.epoll.Epoll;
import io.netty.channel.epoll.EpollIoHandler;
import io.netty.channel.epoll.EpollServerSocketChannel;
import io.netty.channel.epoll.EpollSocketChannel;
import io.netty.channel.nio.NioIoHandler;
import io.netty.channel.socket.nio.NioChannelOption;
import io.netty.channel.socket.nio.NioServerSocketChannel;
import io.netty.channel.socket.nio.NioSocketChannel;
import io.netty.channel.unix.UnixChannelOption;
import io.netty.util.concurrent.DefaultThreadFactory;
import java.net.StandardSocketOptions;
import java.time.Duration;
import java.util.concurrent.TimeUnit;

/**
 * The event loops that every listener and every channel of the process shares: one thread that
 * accepts, and some that read and write. Linux's epoll where its native part loads, else NIO.
 *
 * <p>Thread-safe. Closed after everything that runs on it.
 */
public final class EventLoops implements AutoCloseable {
  private static final Duration QUIET = Duration.ofMillis(10);
  private static final Duration CLOSE_LIMIT = Duration.ofSeconds(5);

  private final boolean epoll;
  private final EventLoopGroup acceptors;
  private final EventLoopGroup workers;

  private EventLoops(boolean epoll, int threads) {
    this.epoll = epoll;
    this.acceptors = group("accept", 1);
    this.workers = group("loop", threads);
  }

  /**
   * Event loops on the best transport that this machine has.
   *
   * @param threads that read and write; 0 for one to each core
   */
  public static EventLoops start(int threads) {
    return start(threads, Epoll.isAvailable());
  }

  /** Event loops on NIO, whatever the machine has. */
  public static EventLoops startNio(int threads) {
    return start(threads, false);
  }

  private static EventLoops start(int threads, boolean epoll) {
    if (threads < 0) {
      throw new IllegalArgumentException("event loop threads: " + threads + " (expected: >= 0)");
    }
    int count = threads == 0 ? Runtime.getRuntime().availableProcessors() : threads;
    return new EventLoops(epoll, count);
  }

  /** The group whose one thread accepts connections. */
  public EventLoopGroup acceptors() {
    return acceptors;
  }

  /** The group whose threads read and write. */
  public EventLoopGroup workers() {
    return workers;
  }

  /** What listens, on this transport. */
  public Class<? extends ServerChannel> serverChannel() {
    return epoll ? EpollServerSocketChannel.class : NioServerSocketChannel.class;
  }

  /** The option that lets several processes listen on one port. */
  public ChannelOption<Boolean> sharedPort() {
    return epoll
        ? UnixChannelOption.SO_REUSEPORT
        : NioChannelOption.of(StandardSocketOptions.SO_REUSEPORT);
  }

  /** What connects, on this transport. */
  public Class<? extends Channel> clientChannel() {
    return epoll ? EpollSocketChannel.class : NioSocketChannel.class;
  }

  /** The transport's name, for the banner: {@code epoll} or {@code nio}. */
  public String transport() {
    return epoll ? "epoll" : "nio";
  }

  /** Lets the loops finish what was handed to them, then ends their threads; waits at most 5 s. */
  @Override
  public void close() {
    var accepting = shutDown(acceptors);
    var working = shutDown(workers);
    accepting.awaitUninterruptibly(CLOSE_LIMIT.toMillis(), TimeUnit.MILLISECONDS);
    working.awaitUninterruptibly(CLOSE_LIMIT.toMillis(), TimeUnit.MILLISECONDS);
  }

  private static io.netty.util.concurrent.Future<?> shutDown(EventLoopGroup group) {
    return group.shutdownGracefully(
        QUIET.toMillis(), CLOSE_LIMIT.toMillis(), TimeUnit.MILLISECONDS);
  }

  private EventLoopGroup group(String name, int threads) {
    IoHandlerFactory handlers = epoll ? EpollIoHandler.newFactory() : NioIoHandler.newFactory();
    return new MultiThreadIoEventLoopGroup(
        threads, new DefaultThreadFactory("nereid-" + name, true), handlers);
  }
}
