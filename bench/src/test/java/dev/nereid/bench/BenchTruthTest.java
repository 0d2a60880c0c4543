package dev.nereid.bench;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.nereid.bench.KnownServer.Act;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.ObjectMapper;

/** The tool's figures against a server whose behaviour is known. */
@Timeout(30)
final class BenchTruthTest {
  private static final long MILLI = TimeUnit.MILLISECONDS.toNanos(1);

  @TempDir Path folder;

  /** What one run of the command brought. */
  private record Ran(int exit, String out, String err, JsonNode run) {}

  private Ran bench(KnownServer server, String... more) throws Exception {
    Path json = folder.resolve("out.json");
    List<String> arguments = new ArrayList<>(List.of("-u", server.url(), "-m", "m", "-i", "http"));
    arguments.addAll(
        List.of("--metrics-url", server.url() + "/metrics", "--json", json.toString()));
    arguments.addAll(Arrays.asList(more));
    StringWriter out = new StringWriter();
    StringWriter err = new StringWriter();
    int exit =
        new CommandLine(new BenchCommand())
            .setOverwrittenOptionsAllowed(true)
            .setOut(new PrintWriter(out))
            .setErr(new PrintWriter(err))
            .execute(arguments.toArray(String[]::new));
    JsonNode run =
        Files.exists(json)
            ? new ObjectMapper().readTree(json).path("runs").path(0)
            : new ObjectMapper().nullNode();
    return new Ran(exit, out.toString(), err.toString(), run);
  }

  @ConcurrentTest
  void throughputAndQuantilesAreThoseOfTheServer() throws Exception {
    try (var server = new KnownServer(i -> new Act.Answer(i % 10 == 0 ? 60 * MILLI : 10 * MILLI))) {
      Ran ran = bench(server, "-c", "8", "-d", "3s", "-w", "300ms");
      assertThat(ran.exit()).as(ran.err()).isZero();
      JsonNode latency = ran.run().path("latency");
      assertThat(latency.path("p50").doubleValue()).isBetween(10_000.0, 30_000.0);
      assertThat(latency.path("p95").doubleValue()).isBetween(60_000.0, 90_000.0);
      assertThat(latency.path("min").doubleValue()).isGreaterThanOrEqualTo(9_990);
      assertThat(ran.run().path("throughput").doubleValue())
          .isCloseTo(
              ran.run().path("completed").doubleValue() / ran.run().path("seconds").doubleValue(),
              within(0.01));
      // Little's law: what is in flight is throughput times mean latency, however busy the machine.
      double inFlight =
          ran.run().path("throughput").doubleValue() * latency.path("mean").doubleValue() / 1e6;
      assertThat(inFlight).isCloseTo(8, within(0.4));
      assertThat(ran.run().path("series").size()).isEqualTo(3);
      assertThat(ran.run().path("warm_up_seconds").doubleValue()).isBetween(0.3, 0.6);
      assertThat(ran.run().path("connections").intValue()).isEqualTo(8);
    }
  }

  @ConcurrentTest
  void processorTimeAndBatchesAreTheServersOwn() throws Exception {
    try (var server = new KnownServer(_ -> new Act.Answer(MILLI))) {
      Ran ran = bench(server, "-c", "4", "-d", "2s", "-w", "200ms");
      assertThat(ran.run().path("server_cpu_per_request").doubleValue())
          .isCloseTo(KnownServer.CPU_MICROS, within(5.0));
      JsonNode model = ran.run().path("models").path(0);
      assertThat(model.path("mean_batch").doubleValue()).isCloseTo(4, within(0.1));
      assertThat(model.path("batches").propertyNames()).containsExactly("4");
      assertThat(model.path("inferences").doubleValue())
          .isCloseTo(
              ran.run().path("completed").doubleValue(),
              within(0.1 * ran.run().path("completed").doubleValue()));
      assertThat(ran.out()).contains("mean batch 4.0");
    }
  }

  @ConcurrentTest
  void whereTheServersTimeWentIsToldByItsOwnPhases() throws Exception {
    try (var server = new KnownServer(_ -> new Act.Answer(MILLI))) {
      Ran ran = bench(server, "-c", "4", "-n", "200", "-w", "0s");
      assertThat(ran.out())
          .contains(
              "  over http: queue 1.00ms, decode 2.00ms, compute 3.00ms\n",
              "  m: queue 1.00ms, decode 2.00ms, compute 3.00ms\n");
      JsonNode phases = ran.run().path("phases");
      assertThat(phases).hasSize(2);
      assertThat(phases.path(0).path("listener").stringValue()).isEqualTo("http");
      assertThat(phases.path(1).path("model").stringValue()).isEqualTo("m");
      assertThat(phases.at("/0/phases/decode/count").intValue()).isEqualTo(50);
      assertThat(phases.at("/0/phases/decode/mean").doubleValue()).isCloseTo(2_000, within(1.0));
    }
  }

  @ConcurrentTest
  void failuresAreCountedExactlyByKind() throws Exception {
    try (var server =
        new KnownServer(
            i ->
                i % 100 == 0
                    ? new Act.HangUp()
                    : i % 10 == 0 ? new Act.Refuse(503) : new Act.Answer(0))) {
      Ran ran = bench(server, "-c", "8", "-w", "0s", "-n", "1000", "-d", "20s");
      assertThat(ran.run().path("failures").path("server 503").intValue()).isEqualTo(90);
      assertThat(ran.run().path("failures").path("lost").intValue()).isEqualTo(10);
      assertThat(ran.run().path("completed").intValue()).isEqualTo(900);
      assertThat(ran.run().path("unanswered").intValue()).isZero();
      assertThat(server.inferences.get()).isEqualTo(1_000);
      assertThat(ran.out()).contains("90 x server 503 (scripted)");
    }
  }

  @ConcurrentTest
  void aWrongReplyIsFoundAmongRightOnes() throws Exception {
    try (var server =
        new KnownServer(i -> i > 16 && i % 10 == 0 ? new Act.AnswerWrongly() : new Act.Answer(0))) {
      Ran ran = bench(server, "-c", "8", "-w", "0s", "-n", "1000", "--inputs", "16", "--verify");
      assertThat(ran.run().path("failures").path("wrong reply").intValue()).isEqualTo(100);
      assertThat(ran.run().path("completed").intValue()).isEqualTo(900);
      assertThat(ran.exit()).isEqualTo(1);
    }
  }

  @ConcurrentTest
  void anExactNumberIsCountedAfterAWarmUpToo() throws Exception {
    try (var server = new KnownServer(_ -> new Act.Answer(0))) {
      Ran ran = bench(server, "-c", "8", "-w", "200ms", "-n", "500", "--verify");
      assertThat(ran.run().path("completed").intValue()).isEqualTo(500);
      assertThat(ran.exit()).isZero();
    }
  }

  @ConcurrentTest
  void requestsWithoutAnswerInTimeFailAsDeadlines() throws Exception {
    try (var server = new KnownServer(i -> new Act.Answer(i % 2 == 0 ? 5_000 * MILLI : 0))) {
      Ran ran =
          bench(server, "-c", "1", "-w", "0s", "-n", "10", "--deadline", "100ms", "-d", "20s");
      assertThat(ran.run().path("failures").path("deadline").intValue()).isEqualTo(5);
      assertThat(ran.run().path("completed").intValue()).isEqualTo(5);
    }
  }

  @ConcurrentTest
  void aQuantileIsNotGivenFromTooFewSamples() throws Exception {
    try (var server = new KnownServer(_ -> new Act.Answer(0))) {
      Ran ran = bench(server, "-c", "2", "-w", "0s", "-n", "100");
      assertThat(ran.run().path("latency").path("p90").isNumber()).isTrue();
      assertThat(ran.run().path("latency").path("p99").isNull()).isTrue();
    }
  }

  @ConcurrentTest
  void picturesArePostedAndTheirJsonComparedWithoutItsTimes() throws Exception {
    Files.write(folder.resolve("a.jpg"), new byte[] {(byte) 0xff, (byte) 0xd8, (byte) 0xff, 1});
    try (var server = new KnownServer(_ -> new Act.Answer(0))) {
      for (String form : List.of("raw", "multipart", "base64")) {
        Ran ran =
            bench(
                server,
                "-c",
                "2",
                "-w",
                "0s",
                "-n",
                "50",
                "-i",
                "image",
                "-m",
                "",
                "--images",
                folder.toString(),
                "--form",
                form,
                "--verify");
        assertThat(ran.exit()).as(ran.err() + ran.out()).isZero();
        assertThat(ran.run().path("completed").intValue()).isEqualTo(50);
      }
    }
  }

  @ConcurrentTest
  void aServerThatIsNotThereIsOneLine() throws Exception {
    String url;
    try (var server = new KnownServer(_ -> new Act.Answer(0))) {
      url = server.url();
    }
    StringWriter err = new StringWriter();
    int exit =
        new CommandLine(new BenchCommand())
            .setErr(new PrintWriter(err))
            .execute("-u", url, "-i", "http", "-m", "m");
    assertThat(exit).isEqualTo(1);
    assertThat(err.toString().lines()).hasSize(1);
    assertThat(err.toString()).contains("connect: ");
  }

  @ConcurrentTest
  void severalConcurrenciesMakeSeveralLinesOfCsv() throws Exception {
    Path csv = folder.resolve("out.csv");
    try (var server = new KnownServer(_ -> new Act.Answer(0))) {
      Ran ran = bench(server, "-c", "1,2,4", "-w", "0s", "-n", "20", "--csv", csv.toString());
      assertThat(ran.exit()).isZero();
      List<String> lines = Files.readAllLines(csv);
      assertThat(lines).hasSize(4);
      assertThat(lines.getFirst().split(",", -1)).hasSameSizeAs(lines.getLast().split(",", -1));
    }
  }
}
