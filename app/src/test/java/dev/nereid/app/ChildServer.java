package dev.nereid.app;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.StringWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * {@code nereid serve} in a process of its own, so that it can be given too little of something.
 * Its ports are those that it prints.
 */
final class ChildServer implements AutoCloseable {
  private static final Pattern ADDRESS = Pattern.compile("  (?:v2 )?(\\w+) .*:(\\d+)[/\\w]*");

  private final Process process;
  private final Thread reader;
  private final StringWriter output = new StringWriter(); // which locks
  private final Map<String, Integer> ports = new ConcurrentHashMap<>();
  private final CountDownLatch ready = new CountDownLatch(1);

  /**
   * How it is started.
   *
   * @param shell what a shell does before; empty for nothing
   * @param jvm options of the JVM
   * @param flags options of the server
   */
  record Start(
      String shell, Map<String, String> environment, List<String> jvm, List<String> flags) {}

  /** Starts, and waits until it serves. */
  ChildServer(Path repository, Start start) throws Exception {
    List<String> command = new ArrayList<>();
    command.addAll(List.of("sh", "-c", start.shell + "\nexec \"$@\"", "sh"));
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(
        List.of(
            "-Xmx128m",
            "-XX:+UseSerialGC",
            "-XX:TieredStopAtLevel=1",
            "-XX:-UsePerfData",
            "--enable-native-access=ALL-UNNAMED",
            "--sun-misc-unsafe-memory-access=allow",
            "--add-opens=java.base/java.nio=ALL-UNNAMED",
            "-Dio.netty.tryReflectionSetAccessible=true"));
    command.addAll(start.jvm);
    command.addAll(List.of("-Dnereid.home=" + RunningProgram.HOME));
    command.addAll(List.of("-cp", System.getProperty("java.class.path")));
    command.addAll(List.of("dev.nereid.app.Nereid", "serve", "--model-repository=" + repository));
    command.addAll(List.of("--allow-metrics=false", "--allow-gateway=false"));
    for (String listener : List.of("http", "grpc")) {
      command.addAll(List.of("--" + listener + "-address=127.0.0.1", "--" + listener + "-port=0"));
    }
    command.addAll(start.flags);
    ProcessBuilder builder = new ProcessBuilder(command).redirectErrorStream(true);
    builder.environment().putAll(start.environment);
    process = builder.start();
    // Not a virtual thread: reading from a pipe keeps its carrier.
    reader = Thread.ofPlatform().daemon().start(this::read);
    assertThat(ready.await(60, TimeUnit.SECONDS)).as("%s", output).isTrue();
  }

  private void read() {
    try (var lines =
        new BufferedReader(
            new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8))) {
      for (String line = lines.readLine(); line != null; line = lines.readLine()) {
        output.append(line).append('\n');
        Matcher address = ADDRESS.matcher(line);
        if (address.matches()) {
          ports.put(address.group(1), Integer.valueOf(address.group(2)));
        }
        if (line.startsWith("Ready after") || line.startsWith("Not ready after")) {
          ready.countDown();
        }
      }
    } catch (IOException e) {
      output.append(e.toString()); // it was killed
    }
  }

  int httpPort() {
    return ports.getOrDefault("HTTP", -1);
  }

  int grpcPort() {
    return ports.getOrDefault("gRPC", -1);
  }

  int gatewayPort() {
    return ports.getOrDefault("pictures", -1);
  }

  long pid() {
    return process.pid();
  }

  boolean isAlive() {
    return process.isAlive();
  }

  /** Waits until it has ended and all is read that it printed; its exit code. */
  int awaitExit() throws InterruptedException {
    assertThat(process.waitFor(60, TimeUnit.SECONDS)).as("%s", output).isTrue();
    assertThat(reader.join(Duration.ofSeconds(20))).isTrue();
    return process.exitValue();
  }

  /** What it has printed so far. */
  String output() {
    return output.toString();
  }

  @Override
  public void close() {
    process.destroy();
    try {
      if (!process.waitFor(30, TimeUnit.SECONDS)) {
        process.destroyForcibly();
      }
    } catch (InterruptedException e) {
      process.destroyForcibly();
      Thread.currentThread().interrupt();
    }
  }
}
