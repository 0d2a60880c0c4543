package dev.nereid.bench;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class CompareTest {
  @TempDir Path folder;

  /** A report with one run for each throughput; intervals of that half width. */
  private String report(String name, double half, double... throughputs) throws IOException {
    String runs =
        Arrays.stream(throughputs)
            .mapToObj(
                t ->
                    """
                    {"plan":{"load":"16","concurrency":16},"throughput":%s,"latency":{"p50":100.0},
                     "server_cpu_per_request":20.0,"intervals":{"throughput":[%s,%s]}}"""
                        .formatted(t, t - half, t + half))
            .collect(Collectors.joining(","));
    return Files.writeString(
            folder.resolve(name),
            "{\"target\":{\"protocol\":\"grpc\",\"model\":\"m\"},\"runs\":[" + runs + "]}")
        .toString();
  }

  @Test
  void theSameIsNoRegression() throws Exception {
    BenchRun ran = BenchRun.command("compare", report("a", 10, 1000), report("b", 10, 990));
    assertThat(ran.exit()).as(ran.out()).isZero();
    assertThat(ran.out()).contains("grpc m 16", "0.990", "ok").doesNotContain("WORSE");
  }

  @Test
  void aLossPastTheThresholdFails() throws Exception {
    BenchRun ran = BenchRun.command("compare", report("a", 10, 1000), report("b", 10, 900));
    assertThat(ran.exit()).isEqualTo(1);
    assertThat(ran.out()).contains("WORSE");
    assertThat(
            BenchRun.command(
                    "compare", report("a", 10, 1000), report("b", 10, 900), "-t", "throughput=15%")
                .exit())
        .isZero();
  }

  @Test
  void aLossThatChanceExplainsDoesNot() throws Exception {
    BenchRun ran = BenchRun.command("compare", report("a", 200, 1000), report("b", 200, 900));
    assertThat(ran.exit()).isZero();
    assertThat(ran.out()).contains("chance?");
  }

  @Test
  void runsOfTheSameLoadAreTakenTogether() throws Exception {
    BenchRun ran =
        BenchRun.command("compare", report("a", 1, 1000, 1001, 999), report("b", 1, 900, 901, 899));
    assertThat(ran.exit()).isEqualTo(1);
    BenchRun noisy =
        BenchRun.command(
            "compare", report("a", 1, 1000, 1300, 700), report("b", 1, 900, 1200, 600));
    assertThat(noisy.exit()).isZero();
  }

  @Test
  void reportsOfOtherLoadsOrNoneAreRefused() throws Exception {
    String text = Files.writeString(folder.resolve("x"), "{\"runs\":[]}").toString();
    assertThat(BenchRun.command("compare", text, report("a", 1, 1)).exit()).isEqualTo(2);
    assertThat(BenchRun.command("compare", folder.resolve("none").toString(), text).exit())
        .isEqualTo(2);
    assertThat(
            BenchRun.command("compare", report("a", 1, 1), report("b", 1, 1), "-t", "nonsense")
                .exit())
        .isEqualTo(2);
  }

  /** A report of one run whose target is told so. */
  private String reportOf(String name, String target) throws IOException {
    return Files.writeString(
            folder.resolve(name),
            """
            {"target":{%s},"runs":[{"plan":{"load":"16"},"throughput":100.0,
             "latency":{"p50":100.0},"intervals":{}}]}"""
                .formatted(target))
        .toString();
  }

  private BenchRun compare(String before, String after) throws IOException {
    return BenchRun.command("compare", reportOf("a", before), reportOf("b", after));
  }

  @Test
  void batchesChannelsAndRoutesAreLoadsOfTheirOwn() throws Exception {
    String plain = "\"protocol\":\"grpc\",\"model\":\"m\"";
    BenchRun other = compare(plain + ",\"batch\":\"8\"", plain + ",\"batch\":\"4\"");
    assertThat(other.exit()).isEqualTo(2);
    assertThat(other.err()).contains("[grpc m batch=8 16]", "[grpc m batch=4 16]");
    assertThat(compare(plain + ",\"channels\":\"4\"", plain).exit()).isEqualTo(2);
    assertThat(
            compare(
                    "\"protocol\":\"image\",\"route\":\"/detect\"",
                    "\"protocol\":\"image\",\"route\":\"/embed\"")
                .exit())
        .isEqualTo(2);
    BenchRun same = compare(plain, plain + ",\"batch\":\"1\",\"channels\":\"shared\"");
    assertThat(same.exit()).as(same.err()).isZero();
  }
}
