package dev.nereid.gateway;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.File;
import java.io.IOException;
import java.net.ConnectException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;

/** A real Redis in a process of its own, which can be mistreated. */
final class RedisServer implements AutoCloseable {
  private final int port;
  private Process process;

  /** Starts, or skips the test where there is no {@code redis-server}. */
  RedisServer() throws Exception {
    assumeTrue(isInstalled(), "no redis-server on the PATH: install Debian's redis-server");
    try (ServerSocket free = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      port = free.getLocalPort();
    }
    start();
  }

  private static boolean isInstalled() {
    return Arrays.stream(System.getenv().getOrDefault("PATH", "").split(File.pathSeparator, -1))
        .anyMatch(folder -> Files.isExecutable(Path.of(folder, "redis-server")));
  }

  URI uri() {
    return URI.create("redis://127.0.0.1:" + port);
  }

  /** Starts, with nothing kept, and waits until it answers. */
  void start() throws Exception {
    process =
        new ProcessBuilder(
                "redis-server",
                "--port",
                Integer.toString(port),
                "--bind",
                "127.0.0.1",
                "--save",
                "",
                "--appendonly",
                "no")
            .redirectErrorStream(true)
            .redirectOutput(ProcessBuilder.Redirect.DISCARD)
            .start();
    long end = System.nanoTime() + Duration.ofSeconds(20).toNanos();
    while (!isListening()) {
      assertThat(System.nanoTime()).as("time to wait for redis-server").isLessThan(end);
      Thread.onSpinWait();
    }
  }

  private boolean isListening() throws IOException {
    try (Socket socket = new Socket(InetAddress.getLoopbackAddress(), port)) {
      return socket.isConnected();
    } catch (ConnectException e) {
      return false;
    }
  }

  /** Ends it at once, as a crash does. */
  void kill() throws InterruptedException {
    process.destroyForcibly().waitFor();
  }

  /** Stops it where it is: connections stay, nothing is answered. */
  void freeze() throws Exception {
    signal("-STOP");
  }

  void thaw() throws Exception {
    signal("-CONT");
  }

  private void signal(String name) throws Exception {
    var sent = new ProcessBuilder("kill", name, Long.toString(process.pid())).start();
    assertThat(sent.waitFor()).isZero();
  }

  @Override
  public void close() {
    var _ = process.destroyForcibly().onExit().join();
  }
}
