package dev.nereid.bench;

import static org.assertj.core.api.Assertions.assertThat;

import dev.nereid.bench.KnownServer.Act;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.util.SplittableRandom;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import picocli.CommandLine;

@Timeout(60)
final class ChaosTest {
  private record Ran(int exit, String out) {}

  private static Ran chaos(KnownServer server) {
    StringWriter out = new StringWriter();
    int exit =
        new CommandLine(new BenchCommand())
            .setOut(new PrintWriter(out))
            .setErr(new PrintWriter(new StringWriter()))
            .execute(
                "chaos",
                "-u",
                server.url(),
                "--grpc-url",
                "none",
                "--metrics-url",
                server.url() + "/metrics",
                "-m",
                "m",
                "--failing-model",
                "bad",
                "-d",
                "1s",
                "--actors",
                "4",
                "--seed",
                "7");
    return new Ran(exit, out.toString());
  }

  @Test
  void aServerThatStandsItIsFoundWithoutViolation() {
    try (var server = new KnownServer(_ -> new Act.Answer(0))) {
      Ran ran = chaos(server);
      assertThat(ran.out())
          .contains(
              "call: right",
              "nonsense: server 400",
              "fail: server 400",
              "no violation",
              "open leases at the end: 0");
      assertThat(ran.exit()).isZero();
    }
  }

  @Test
  void aWrongReplyIsAViolation() {
    try (var server =
        new KnownServer(i -> i % 200 == 0 ? new Act.AnswerWrongly() : new Act.Answer(0))) {
      Ran ran = chaos(server);
      assertThat(ran.out()).contains("VIOLATION: m: wrong reply");
      assertThat(ran.exit()).isEqualTo(1);
    }
  }

  @Test
  void aServerThatAnswersNonsenseOrHangsUpIsFound() {
    try (var server = new KnownServer(i -> i % 100 == 0 ? new Act.HangUp() : new Act.Answer(0))) {
      assertThat(chaos(server).out()).contains("VIOLATION: m: lost");
    }
  }

  @Test
  void memoryThatGrowsIsNotFlatAndNoiseIs() {
    MemoryTrend growing = new MemoryTrend("m", 0.05, 1e6);
    MemoryTrend noisy = new MemoryTrend("m", 0.05, 1e6);
    MemoryTrend warming = new MemoryTrend("m", 0.05, 1e6);
    SplittableRandom random = new SplittableRandom(1);
    for (int i = 0; i < 120; i++) {
      growing.add(100e6 + i * 1e6);
      noisy.add(100e6 + random.nextInt(4_000_000));
      warming.add(i < 40 ? 50e6 + i * 1.5e6 : 110e6);
    }
    assertThat(growing.isFlat()).isFalse();
    assertThat(noisy.isFlat()).isTrue();
    assertThat(warming.isFlat()).isTrue();
    assertThat(growing).asString().contains("NOT FLAT");
  }

  @Test
  void everyDeedIsDoneAsOftenAsItsWeightSays() {
    SplittableRandom random = new SplittableRandom(3);
    var counts = new TreeMap<ChaosDeed, Integer>();
    for (int i = 0; i < 10_000; i++) {
      counts.merge(ChaosDeed.next(random), 1, Integer::sum);
    }
    assertThat(counts).hasSize(ChaosDeed.values().length);
    assertThat(counts.get(ChaosDeed.CALL)).isBetween(4_300, 4_700);
  }
}
