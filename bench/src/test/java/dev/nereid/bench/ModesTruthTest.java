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
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.api.parallel.Execution;
import org.junit.jupiter.api.parallel.ExecutionMode;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import tools.jackson.databind.JsonNode;

/**
 * Every mode and kind of load against a server that takes one time for four of five requests, three
 * times as long for the fifth, and fails every twentieth, which is one of the slow ones: whoever
 * asks, throughput, median, p90 and errors are known. The bounds are in docs/benchmarking.md.
 */
@Timeout(180)
final class ModesTruthTest {
  private static final int SLOW_EVERY = 5;
  private static final int ERROR_EVERY = 20;
  private static final double RIGHT = 1 - 1.0 / ERROR_EVERY;

  /** A mean request, in usual ones: four of one, and one of three. */
  private static final double MEAN = 1.4;

  private static final AtomicInteger MODELS = new AtomicInteger();
  private static TruthProcess truth;

  private final String model = "m" + MODELS.incrementAndGet();

  @TempDir Path folder;

  /**
   * A load and what it must show.
   *
   * @param millis what the server takes for most requests
   * @param throughput right answers per second
   * @param percent by how much it may be off
   * @param asked requests in all; 0 where time bounds them
   * @param inFlight at the end of the counted time, where time bounds it: what is not counted
   */
  record Known(
      String options, int millis, double throughput, double percent, int asked, int inFlight) {
    @Override
    public String toString() {
      return options;
    }
  }

  /** So many callers of a server that takes 40 ms for most. */
  private static double closed(double callers) {
    return RIGHT * callers / (0.040 * MEAN);
  }

  /** One caller who asks 120 times a server that takes 20 ms for most. */
  private static Known inTurn(String options) {
    return new Known(options, 20, RIGHT / (0.020 * MEAN), 20, 120, 0);
  }

  static Stream<Known> loads() {
    String burst = " --burst-length 500ms --burst-interval 500ms -d 2s";
    return Stream.of(
        new Known("--mode quick -d 1500ms", 40, closed(16), 10, 0, 16),
        new Known("--mode full --clients 8 -d 1500ms", 40, closed(8), 10, 0, 8),
        inTurn("--mode single -n 120"),
        inTurn("--mode set --inputs 120"),
        new Known("--mode all --clients 16 --inputs 600", 40, closed(16), 12, 600, 0),
        // 2, 4, 6 and 8 callers for half a second each: five on average.
        new Known("--mode variable --clients 8 --ramp-step 2 -d 2s", 40, closed(5), 14, 0, 8),
        // Half of the time; what is under way at the end of a burst is still answered.
        new Known(
            "--mode variable --load-pattern burst -c 8" + burst, 40, 1.08 * closed(4), 12, 0, 0),
        new Known("--mode matrix --matrix-clients 2,8 -d 1500ms", 40, closed(8), 10, 0, 10),
        new Known("-i grpc -r 200 --arrivals constant -d 1500ms", 40, RIGHT * 200, 10, 300, 0),
        // Four standard deviations of the number that came.
        new Known("-i grpc -r 200 -d 2s", 40, RIGHT * 200, 22, 0, 0),
        // Ends with the second burst, when 22 are still under way.
        new Known(
            "-i grpc -r 400 --arrivals constant --pattern burst" + burst.replace("2s", "1500ms"),
            40,
            RIGHT * (400 - 22) / 1.5,
            10,
            400,
            0),
        new Known("-i grpc --trace TRACE --speed 2", 40, RIGHT * 200, 10, 300, 0));
  }

  @BeforeAll
  static void start(@TempDir Path folder) throws Exception {
    truth = TruthProcess.start();
    truth.script("service=1000");
    // What both programs load and compile on first use would be in the first figures.
    for (String protocol : List.of("http", "grpc")) {
      var _ = press(folder, "m", ("-c 8 -n 200 -i " + protocol).split(" ", -1));
    }
  }

  @AfterAll
  static void stop() {
    truth.close();
  }

  private static BenchRun press(Path folder, String model, String... options) throws Exception {
    List<String> all = new ArrayList<>(List.of("-i", "http"));
    all.addAll(Arrays.asList(options));
    int port = all.contains("grpc") ? truth.grpcPort : truth.httpPort;
    all.addAll(List.of("-u", "127.0.0.1:" + port, "-m", model, "-w", "0s"));
    all.addAll(List.of("--metrics-url", "none"));
    return BenchRun.of(folder, all.toArray(String[]::new));
  }

  @ParameterizedTest
  @MethodSource("loads")
  @Execution(ExecutionMode.CONCURRENT)
  void showsWhatTheServerDid(Known known) throws Exception {
    Figures.hold(
        () -> {
          truth.script(
              model,
              "service=%d&slow=%d&slowevery=%d&errors=%d"
                  .formatted(1_000 * known.millis, 3_000 * known.millis, SLOW_EVERY, ERROR_EVERY));
          BenchRun ran =
              press(folder, model, known.options.replace("TRACE", trace()).split(" ", -1));
          JsonNode last = ran.run(ran.report().path("runs").size() - 1);
          assertThat(last.path("throughput").doubleValue())
              .as("throughput")
              .isCloseTo(known.throughput, withPercentage(known.percent));
          double usual = 1e3 * known.millis;
          assertThat(last.at("/latency/p50").doubleValue())
              .as("p50")
              .isBetween(0.995 * usual, usual + 10_000);
          assertThat(last.at("/latency/p90").doubleValue())
              .as("p90")
              .isBetween(0.995 * 3 * usual, 3 * usual + 15_000);
          errorsAreExact(known, ran.report().path("runs"));
        });
  }

  private void errorsAreExact(Known known, JsonNode runs) throws Exception {
    long failed = 0;
    long answered = 0;
    for (JsonNode run : runs) {
      failed += run.path("failed").longValue();
      answered += run.path("completed").longValue() + run.path("completed_late").longValue();
    }
    long asked = truth.asked(model);
    if (known.asked > 0) {
      assertThat(asked).isEqualTo(known.asked);
    }
    assertThat(asked - answered - failed).as("not counted").isBetween(0L, (long) known.inFlight);
    // While a slow one is under way, those after it are asked and answered.
    assertThat(failed).isBetween((asked - 3L * known.inFlight) / ERROR_EVERY, asked / ERROR_EVERY);
  }

  private String trace() throws Exception {
    List<String> lines = IntStream.range(0, 300).mapToObj(i -> "" + i * 0.01).toList();
    return Files.write(folder.resolve("trace.csv"), lines).toString();
  }

  @ConcurrentTest
  void sustainedFindsTheKneeAndHoldsIt() throws Exception {
    Figures.hold(
        () -> {
          truth.script(model, "service=20000&slow=60000&slowevery=" + SLOW_EVERY + "&capacity=4");
          BenchRun ran = press(folder, model, "--mode", "sustained", "-d", "1s");
          JsonNode held = ran.run(ran.report().path("runs").size() - 1);
          // Four on a machine that does nothing else; where callers are woken late, twice as many.
          int callers = held.at("/plan/concurrency").intValue();
          assertThat(callers).isBetween(4, 8);
          double capacity = 4 / (0.020 * MEAN);
          assertThat(held.path("throughput").doubleValue()).isCloseTo(capacity, withPercentage(10));
          assertThat(held.at("/latency/mean").doubleValue())
              .isCloseTo(1e6 * callers / capacity, withPercentage(10));
          assertThat(held.at("/latency/p50").doubleValue())
              .isBetween(19_900.0, 10_000 + 20_000.0 * callers / 4);
          assertThat(held.path("failed").doubleValue()).isCloseTo(0, within(0.0));
        });
  }
}
