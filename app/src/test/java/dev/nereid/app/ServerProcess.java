package dev.nereid.app;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/**
 * {@code nereid serve} of one model in a process of its own, on an address of its own; it can be
 * mistreated.
 */
final class ServerProcess implements AutoCloseable {
  private final String address;
  private final int port;
  private final Path models;
  private final String model;
  private Process process;
  private CountDownLatch ready;

  /** Starts; {@link #awaitReady} waits until it serves. */
  ServerProcess(String address, Path models, String model) throws IOException {
    this.address = address;
    this.models = models;
    this.model = model;
    try (ServerSocket free = new ServerSocket(0, 1, InetAddress.ofLiteral(address))) {
      port = free.getLocalPort();
    }
    start();
  }

  /** Starts the program anew on the same address. */
  void start() throws IOException {
    List<String> command =
        new ArrayList<>(
            List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-Xmx256m",
                "-XX:+UseSerialGC",
                "-XX:TieredStopAtLevel=1",
                "--enable-native-access=ALL-UNNAMED",
                "--sun-misc-unsafe-memory-access=allow",
                "--add-opens=java.base/java.nio=ALL-UNNAMED",
                "-Dio.netty.tryReflectionSetAccessible=true",
                "-Dnereid.home=" + RunningProgram.HOME,
                "-cp",
                System.getProperty("java.class.path"),
                "dev.nereid.app.Nereid",
                "serve",
                "--model-repository=" + models,
                "--model-control-mode=explicit",
                "--load-model=" + model,
                "--allow-http=false",
                "--allow-metrics=false",
                "--allow-gateway=false",
                "--access-log=off",
                "--grpc-address=" + address,
                "--grpc-port=" + port));
    process = new ProcessBuilder(command).redirectErrorStream(true).start();
    CountDownLatch said = new CountDownLatch(1);
    ready = said;
    Process started = process;
    // Not a virtual thread: reading from a pipe keeps its carrier.
    Thread.ofPlatform().daemon().start(() -> read(started, said));
  }

  private static void read(Process process, CountDownLatch ready) {
    try (var lines =
        new BufferedReader(
            new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8))) {
      for (String line = lines.readLine(); line != null; line = lines.readLine()) {
        System.out.println("[" + process.pid() + "] " + line);
        if (line.startsWith("Ready after")) {
          ready.countDown();
        }
      }
    } catch (IOException e) {
      System.out.println("[" + process.pid() + "] " + e); // it was killed
    }
  }

  void awaitReady() throws InterruptedException {
    if (!ready.await(60, TimeUnit.SECONDS)) {
      throw new AssertionError("server on " + endpoint() + " is not ready");
    }
  }

  String endpoint() {
    return address + ":" + port;
  }

  boolean isAlive() {
    return process.isAlive();
  }

  /** Sends a signal by its name, without the leading SIG. */
  void signal(String name) throws Exception {
    int ended =
        new ProcessBuilder("kill", "-" + name, Long.toString(process.pid())).start().waitFor();
    if (ended != 0) {
      throw new IllegalStateException("kill -" + name + ": " + ended);
    }
  }

  void kill() {
    process.destroyForcibly().onExit().join();
  }

  @Override
  public void close() {
    kill();
  }
}
