package dev.nereid.bench;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;
import static org.assertj.core.data.Percentage.withPercentage;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;

/**
 * Loads against a server of known behaviour in another process. A bound says how far a figure may
 * be off on a machine that does other work meanwhile. {@link ModesTruthTest} has the modes.
 */
@Timeout(120)
final class TruthTest {
  private static TruthProcess truth;

  private static final AtomicInteger MODELS = new AtomicInteger();

  /** Each test has a model of its own, so that they do not disturb each other's. */
  private final String model = "m" + MODELS.incrementAndGet();

  @TempDir Path folder;

  @BeforeAll
  static void start() throws Exception {
    truth = TruthProcess.start();
  }

  @AfterAll
  static void stop() {
    truth.close();
  }

  private void script(String behaviour) throws Exception {
    truth.script(model, behaviour);
  }

  private BenchRun http(String... more) throws Exception {
    return run("http", truth.httpPort, more);
  }

  private BenchRun grpc(String... more) throws Exception {
    return run("grpc", truth.grpcPort, more);
  }

  private BenchRun run(String protocol, int port, String... more) throws Exception {
    List<String> all =
        new ArrayList<>(
            List.of("-i", protocol, "-u", "127.0.0.1:" + port, "-m", model, "-w", "200ms"));
    all.addAll(List.of("--metrics-url", "none"));
    all.addAll(Arrays.asList(more));
    return BenchRun.of(folder, all.toArray(String[]::new));
  }

  @ConcurrentTest
  void aClosedLoopFindsTheCapacityAndWhatWaitingForItCosts() throws Exception {
    script("service=40000&capacity=4");
    Figures.hold(
        () -> {
          BenchRun ran = grpc("-c", "16", "-d", "2s", "-w", "500ms");
          assertThat(ran.figure("throughput")).isCloseTo(100, withPercentage(7));
          assertThat(ran.figure("latency", "mean")).isCloseTo(160_000, withPercentage(7));
          assertThat(ran.figure("latency", "p50")).isCloseTo(160_000, withPercentage(7));
          assertThat(ran.figure("streams")).isEqualTo(16);
          assertThat(ran.figure("connections")).isEqualTo(1);
          assertThat(ran.figure("wire_bytes_out_per_request")).isBetween(60.0, 400.0);
        });
  }

  @ConcurrentTest
  void aPauseOfOneSecondShowsInTheQuantilesOfAnOpenLoopAsItMust() throws Exception {
    Figures.hold(
        () -> {
          script("service=2000&pauseat=250&pause=1000000");
          BenchRun ran = grpc("-r", "200", "--arrivals", "constant", "-d", "4s", "-w", "0s");
          // A quarter of all requests falls into the pause, and waits for what is left of it.
          assertThat(ran.figure("completed") + ran.figure("completed_late"))
              .isBetween(798.0, 802.0);
          assertThat(ran.figure("latency", "p90")).isCloseTo(600_000, within(60_000.0));
          assertThat(ran.figure("latency", "p95")).isCloseTo(800_000, within(60_000.0));
          assertThat(ran.figure("latency", "max")).isCloseTo(1_000_000, within(60_000.0));
          assertThat(ran.figure("latency", "p50")).isLessThan(50_000);
        });
  }

  @ConcurrentTest
  void aPauseIsHiddenByOneCallerOfAClosedLoopWhoWaitsWithTheServer() throws Exception {
    script("service=2000&pauseat=250&pause=1000000");
    BenchRun closed = grpc("-c", "1", "-n", "500", "-d", "30s", "-w", "0s");
    assertThat(closed.figure("latency", "p95")).isLessThan(300_000);
    assertThat(closed.figure("latency", "max")).isGreaterThan(900_000);
  }

  @ConcurrentTest
  void anOpenLoopKeepsItsRateOverHttp() throws Exception {
    keepsItsRate("http", truth.httpPort);
  }

  @ConcurrentTest
  void anOpenLoopKeepsItsRateOverGrpc() throws Exception {
    keepsItsRate("grpc", truth.grpcPort);
  }

  private void keepsItsRate(String protocol, int port) throws Exception {
    script("service=20000");
    Figures.hold(
        () -> {
          BenchRun ran = run(protocol, port, "-r", "100", "--arrivals", "constant", "-d", "2s");
          assertThat(ran.figure("throughput")).isCloseTo(100, withPercentage(3));
          assertThat(ran.figure("latency", "p50")).isBetween(20_000.0, 30_000.0);
          assertThat(ran.figure("send_lag", "p50")).isLessThan(5_000);
        });
  }

  @ConcurrentTest
  void randomArrivalsHaveTheirRateOnAverage() throws Exception {
    script("service=20000");
    BenchRun random = grpc("-r", "100", "-d", "2s");
    assertThat(random.figure("completed") + random.figure("completed_late"))
        .isBetween(140.0, 260.0); // four standard deviations
  }

  @ConcurrentTest
  void overloadShowsAsWhatIsAnsweredAndWhatWaits() throws Exception {
    Figures.hold(
        () -> {
          script("service=40000&capacity=2");
          BenchRun ran = grpc("-r", "100", "--arrivals", "constant", "-d", "2s", "-w", "0s");
          assertThat(ran.figure("offered_rate")).isCloseTo(100, withPercentage(3));
          assertThat(ran.figure("throughput")).isCloseTo(50, withPercentage(10));
          // The last request finds a hundred before it and waits two seconds for them.
          assertThat(ran.figure("latency", "max")).isCloseTo(2_000_000, withPercentage(12));
          assertThat(ran.figure("latency", "p50")).isCloseTo(1_000_000, withPercentage(12));
        });
  }

  @ConcurrentTest
  void errorsAreCountedExactlyInEveryKindOfLoad() throws Exception {
    for (String[] load :
        new String[][] {{"-c", "8"}, {"-r", "2000"}, {"-c", "4", "--channels", "per-call"}}) {
      script("errors=10");
      List<String> arguments = new ArrayList<>(List.of("-n", "400", "-w", "0s", "-d", "20s"));
      arguments.addAll(Arrays.asList(load));
      BenchRun ran = grpc(arguments.toArray(String[]::new));
      assertThat(ran.figure("failures", "server UNAVAILABLE")).isEqualTo(40);
      assertThat(ran.figure("completed") + ran.figure("completed_late")).isEqualTo(360);
      assertThat(truth.asked(model)).isEqualTo(400);
    }
  }

  @ConcurrentTest
  void aChannelForEachCallIsAConnectionForEachCall() throws Exception {
    script("service=1000");
    BenchRun ran = grpc("-c", "2", "-n", "50", "-w", "0s", "--channels", "per-call");
    assertThat(ran.figure("connections_opened")).isBetween(49.0, 50.0);
    BenchRun shared = grpc("-c", "6", "-n", "60", "-w", "0s", "--channels", "3");
    assertThat(shared.figure("connections")).isEqualTo(3);
  }

  @ConcurrentTest
  void stepsHaveTheirLevels() throws Exception {
    script("service=20000&capacity=100");
    BenchRun steps = http("-r", "1", "--arrivals", "constant", "--steps", "100:1s,300:1s");
    assertThat(steps.figure("completed") + steps.figure("completed_late"))
        .isCloseTo(400, within(8.0));
  }

  @ConcurrentTest
  void aTraceIsReplayedAtItsTimes() throws Exception {
    script("service=1000");
    StringBuilder trace = new StringBuilder("seconds,variant,class\n");
    for (int i = 0; i < 200; i++) {
      trace.append(100 + i * 0.01).append(',').append(i % 3).append('\n');
    }
    Path file = Files.writeString(folder.resolve("trace.csv"), trace);
    BenchRun ran = grpc("--trace", file.toString(), "--speed", "2", "-w", "0s");
    assertThat(ran.figure("completed") + ran.figure("completed_late")).isEqualTo(200);
    assertThat(ran.figure("seconds")).isCloseTo(1, within(0.15));
  }

  @ConcurrentTest
  void prioritiesAndDeadlinesAreMixedAndCountedApart() throws Exception {
    script("service=20000");
    BenchRun ran =
        http(
            "-c",
            "8",
            "-n",
            "400",
            "-w",
            "0s",
            "--priority",
            "1=25,2=75",
            "--deadline",
            "1s=50,5ms=50");
    JsonNode classes = ran.run(0).path("classes");
    assertThat(classes.size()).isEqualTo(4);
    long failed = 0;
    for (JsonNode one : classes) {
      boolean hurried = one.path("name").stringValue().contains("5ms");
      assertThat(one.path("failed").longValue() > 0).isEqualTo(hurried);
      failed += one.path("failed").longValue();
    }
    assertThat(failed).isBetween(150L, 250L);
    assertThat(ran.figure("failures", "deadline")).isEqualTo((double) failed);
  }

  @ConcurrentTest
  void anyEndpointIsPressedByATemplate() throws Exception {
    script("errors=10");
    Path file =
        Files.writeString(
            folder.resolve("request.http"),
            "POST /any/"
                + model
                + "?n={{index}} HTTP/1.1\nContent-Type: application/json\n\n{\"v\":{{random}}}\n");
    BenchRun ran =
        BenchRun.of(
            folder,
            "--template",
            file.toString(),
            "-u",
            "127.0.0.1:" + truth.httpPort,
            "-c",
            "4",
            "-n",
            "100",
            "-w",
            "0s",
            "--metrics-url",
            "none");
    assertThat(ran.figure("failures", "server 503")).isEqualTo(10);
    assertThat(ran.figure("completed")).isEqualTo(90);
  }

  @ConcurrentTest
  void intervalsHoldTheTruthAndReportsAreWritten() throws Exception {
    script("service=40000&capacity=4");
    Path html = folder.resolve("report.html");
    Figures.hold(
        () -> {
          BenchRun ran = http("-c", "8", "-d", "5s", "--html", html.toString());
          JsonNode interval = ran.run(0).path("intervals").path("throughput");
          assertThat(interval.path(0).doubleValue()).isLessThan(101);
          assertThat(interval.path(1).doubleValue()).isBetween(95.0, 120.0);
          assertThat(ran.out()).contains("this tool: ");
        });
    assertThat(Files.readString(html)).contains("\"throughput\"").doesNotContain("/*REPORT*/");
  }
}
