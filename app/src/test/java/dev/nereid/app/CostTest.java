package dev.nereid.app;

import static org.assertj.core.api.Assertions.assertThat;

import dev.nereid.bench.BenchCommand;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.net.ServerSocket;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine;

/**
 * What a small request costs the server, as a multiple of what it costs a bare echo on the same
 * transport: a ratio that holds on any machine, taken with the tool that users have.
 */
@Timeout(180)
final class CostTest {
  /** Three times at most; twice is usual, and compilers at work on a busy machine are in it. */
  private static final String THRESHOLD = "server_cpu_per_request=200%";

  private static final int ATTEMPTS = 3;

  @TempDir Path folder;

  @Test
  void aSmallRequestCostsAFewTimesABareEcho() throws Exception {
    int echoPort = freePort();
    int serverPort = freePort();
    Process echo = start("bench", "echo-server", "--grpc-port=" + echoPort, "--http-port=0");
    Process server =
        start(
            "serve",
            "--model-repository=" + RunningProgram.HOME.resolve("benchmarks/models"),
            "--access-log=off",
            "--grpc-port=" + serverPort,
            "--http-port=0",
            "--metrics-port=0",
            "--gateway-port=0");
    try {
      String before = folder.resolve("echo.json").toString();
      String after = folder.resolve("server.json").toString();
      int verdict = 1;
      String text = "";
      for (int i = 0; i < ATTEMPTS && verdict != 0; i++) {
        press(echoPort, echo, before);
        press(serverPort, server, after);
        StringWriter out = new StringWriter();
        verdict = command(out, "compare", before, after, "--threshold", THRESHOLD);
        text = out.toString();
      }
      assertThat(verdict).as(text).isZero();
      assertThat(text).contains("server_cpu_per_request");
    } finally {
      echo.destroyForcibly();
      server.destroyForcibly();
    }
  }

  /** Presses as soon as the server is there. */
  private static void press(int port, Process process, String report) {
    String[] load = {
      "-u",
      "127.0.0.1:" + port,
      "-m",
      "mlp",
      "-c",
      "64",
      "-w",
      "2s",
      "-d",
      "2s",
      "-q",
      "--metrics-url",
      "none",
      "--server-pid",
      "" + process.pid(),
      "--json",
      report
    };
    StringWriter out = new StringWriter();
    long patience = System.nanoTime() + 60_000_000_000L;
    while (command(out, load) != 0) {
      assertThat(System.nanoTime()).as(out.toString()).isLessThan(patience);
    }
  }

  private static int command(StringWriter out, String... arguments) {
    CommandLine line = new CommandLine(new BenchCommand());
    line.setOut(new PrintWriter(out)).setErr(new PrintWriter(out));
    return line.execute(arguments);
  }

  private static Process start(String... arguments) throws IOException {
    List<String> command =
        new ArrayList<>(
            List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-XX:+UseSerialGC",
                "--enable-native-access=ALL-UNNAMED",
                "--sun-misc-unsafe-memory-access=allow",
                "--add-opens=java.base/java.nio=ALL-UNNAMED",
                "-Dio.netty.tryReflectionSetAccessible=true",
                "-Dnereid.home=" + RunningProgram.HOME,
                "-cp",
                System.getProperty("java.class.path"),
                Nereid.class.getName()));
    command.addAll(Arrays.asList(arguments));
    return new ProcessBuilder(command)
        .redirectErrorStream(true)
        .redirectOutput(ProcessBuilder.Redirect.DISCARD)
        .start();
  }

  private static int freePort() throws IOException {
    try (ServerSocket socket = new ServerSocket(0)) {
      return socket.getLocalPort();
    }
  }
}
