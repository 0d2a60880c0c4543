package dev.nereid.bench;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.nereid.client.ModelStatistics;
import dev.nereid.client.ModelStatistics.Phase;
import dev.nereid.client.Traffic;
import java.io.File;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import org.HdrHistogram.Histogram;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** The HTML report as headless Chromium draws it. */
@Timeout(120)
final class ReportPageTest {
  private static final String PROGRAM = "chromium";
  private static final long PATIENCE_SECONDS = 60;
  private static final int SECONDS = 20;
  private static final Pattern PLOT = Pattern.compile("<svg[^>]* aria-label=\"([^\"]*)\"");
  private static final Pattern SCRIPT = Pattern.compile("(?s)<script>.*?</script>");

  /** By callers: more than 8 gain less than the 5 % that make a knee. */
  private static final Map<Integer, Double> CLOSED =
      new TreeMap<>(Map.of(1, 100.0, 2, 195.0, 4, 380.0, 8, 765.0, 16, 800.0, 32, 780.0));

  @TempDir Path folder;

  @ConcurrentTest
  void callersShowTheKneeAndEveryPlotOfARun() throws Exception {
    List<LoadResult> results = new ArrayList<>();
    CLOSED.forEach(
        (callers, throughput) ->
            results.add(
                result(
                    new Load.Closed(new Profile.Constant(callers)), throughput, callers, false)));
    String page = draw(results);
    assertThat(plots(page))
        .containsExactly(
            "Throughput",
            "Latency",
            "Latency over time",
            "Throughput over time",
            "Latencies",
            "Batches of m");
    assertThat(page).contains(">knee at 8<", "Best 800/s; 8 in flight reach 95 % of it.");
    assertThat(page.split("<tr tabindex=\"0\"", -1)).hasSize(CLOSED.size() + 1);
    assertThat(page)
        .contains("Where the server's time went", ">over grpc<", "title=\"decode 2.00 ms\"");
    assertThat(page).doesNotContain("Failed: ").doesNotContain("Too few samples");
  }

  @ConcurrentTest
  void ratesShowWhatWasOfferedAndWhatFailed() throws Exception {
    List<LoadResult> results = new ArrayList<>();
    for (double rate : new double[] {100, 200, 300, 400}) {
      Load load = new Load.Open(new Profile.Constant(rate), true);
      results.add(result(load, Math.min(rate, 300), 4, true));
    }
    String page = draw(results);
    assertThat(plots(page)).startsWith("Throughput", "Latency").hasSize(6);
    assertThat(page).contains(">knee at 300<", ">offered</span>", "Failed: 40 × server 503");
    assertThat(page).contains("The load tool itself limited this run", ">priority 1<");
  }

  /** The page after its script ran, without the script; Chromium must not complain meanwhile. */
  private String draw(List<LoadResult> results) throws Exception {
    assumeTrue(isInstalled(), "no chromium on the PATH: install Debian's chromium");
    Map<String, String> target = new LinkedHashMap<>();
    target.put("url", "127.0.0.1:8001");
    target.put("protocol", "grpc");
    target.put("model", "m</script>");
    target.put("batch", "1");
    Path html = folder.resolve("report.html");
    Files.writeString(html, ReportHtml.of(Environment.now(), target, results));
    Path dom = folder.resolve("dom.html");
    Path complaints = folder.resolve("complaints.txt");
    Process browser =
        new ProcessBuilder(
                PROGRAM,
                "--headless=new",
                "--no-sandbox",
                "--disable-gpu",
                "--disable-dev-shm-usage",
                "--disable-background-networking",
                "--disable-component-update",
                "--disable-extensions",
                "--no-first-run",
                "--host-resolver-rules=MAP * ~NOTFOUND",
                "--user-data-dir=" + folder.resolve("profile"),
                "--enable-logging=stderr",
                "--dump-dom",
                html.toUri().toString())
            .redirectOutput(dom.toFile())
            .redirectError(complaints.toFile())
            .start();
    try {
      assertThat(browser.waitFor(PATIENCE_SECONDS, TimeUnit.SECONDS)).isTrue();
    } finally {
      browser.descendants().forEach(ProcessHandle::destroyForcibly);
      browser.destroyForcibly();
    }
    assertThat(Files.readString(complaints)).doesNotContain("CONSOLE");
    String page = SCRIPT.matcher(Files.readString(dom)).replaceAll("");
    assertThat(page).contains("m&lt;/script&gt;");
    assertThat(page).doesNotContain("NaN").doesNotContain("Infinity").doesNotContain("undefined");
    return page;
  }

  private static List<String> plots(String page) {
    return PLOT.matcher(page).results().map((MatchResult plot) -> plot.group(1)).toList();
  }

  private static boolean isInstalled() {
    return Arrays.stream(System.getenv().getOrDefault("PATH", "").split(File.pathSeparator, -1))
        .anyMatch(directory -> Files.isExecutable(Path.of(directory, PROGRAM)));
  }

  /**
   * So many a second for a while, each after about so many milliseconds; or with all that can go
   * wrong.
   */
  private static LoadResult result(Load load, double throughput, int millis, boolean bad) {
    Random random = new Random(1);
    Histogram histogram = new Histogram(3);
    List<LoadResult.Second> series = new ArrayList<>();
    for (int second = 0; second < SECONDS; second++) {
      long completed = Math.round(throughput * (1 + 0.02 * random.nextGaussian()));
      for (int i = 0; i < completed; i++) {
        histogram.recordValue((long) (1e6 * millis * Math.exp(0.4 * random.nextGaussian())));
      }
      double p50 = 1e3 * millis * (1 + 0.05 * random.nextGaussian());
      double level = load.callers() > 0 ? load.callers() : load.rate();
      series.add(
          new LoadResult.Second(
              1, level, completed, bad ? 2 : 0, 8, p50, p50, 2.5 * p50, 4 * p50, 50.0));
    }
    return new LoadResult(
        new LoadPlan(
            load, Duration.ZERO, Duration.ofSeconds(SECONDS), 0, false, Mix.PLAIN, 1, false),
        new LoadResult.WarmUp(3, true, 10, 0, 9_000.0, 9_000.0, List.of()),
        new LoadResult.Window(SECONDS, Math.round(SECONDS * throughput), 0, 0, 0),
        Latencies.of(histogram),
        new TreeMap<>(bad ? Map.of("server 503", 40L) : Map.of()),
        new TreeMap<>(),
        lag(load),
        bad ? shares(histogram) : List.of(),
        new LoadResult.Wire(100, 200, new Traffic(100_000, 200_000, 0, 1), 8),
        new LoadResult.Cost(50.0, 10, 5, bad ? 0.95 : 0.4),
        Outcome.intervals(histogram, series, List.of(49.0, 50.0, 51.0, 50.0, 50.0)),
        series,
        List.of(model()),
        phases(),
        histogram);
  }

  private static @Nullable Latencies lag(Load load) {
    Histogram histogram = new Histogram(3);
    histogram.recordValueWithCount(20_000, 1_000);
    return load instanceof Load.Closed ? null : Latencies.of(histogram);
  }

  private static List<LoadResult.ShareResult> shares(Histogram histogram) {
    return List.of(
        new LoadResult.ShareResult("priority 1", Latencies.of(histogram), 40),
        new LoadResult.ShareResult("priority 2", Latencies.of(histogram), 0));
  }

  private static ModelStatistics model() {
    Phase phase = new Phase(100, 100_000_000);
    var batches = new TreeMap<>(Map.of(1L, 10L, 2L, 20L, 4L, 50L, 8L, 20L));
    return new ModelStatistics(
        "m", "1", 410, 100, phase, Phase.NONE, phase, phase, phase, phase, batches);
  }

  private static List<PhaseTimes> phases() {
    StringBuilder page = new StringBuilder();
    for (String source : List.of("listener=\"grpc\"", "model=\"m\",version=\"1\"")) {
      List.of("queue", "decode", "preprocess", "compute", "postprocess", "encode")
          .forEach(
              phase ->
                  page.append(
                      """
                      nereid_phase_seconds_sum{%1$s,phase="%2$s"} %3$s
                      nereid_phase_seconds_count{%1$s,phase="%2$s"} 10
                      """
                          .formatted(source, phase, phase.equals("decode") ? 0.02 : 0.01)));
    }
    return PhaseTimes.of(page.toString());
  }
}
