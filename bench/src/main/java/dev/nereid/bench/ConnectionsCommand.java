package dev.nereid.bench;

import dev.nereid.client.EventLoops;
import dev.nereid.client.InferenceException;
import java.io.IOException;
import java.io.PrintWriter;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;
import tools.jackson.databind.node.ObjectNode;

/** {@code nereid bench connections}: how many gRPC channels one server needs. */
@Command(
    name = "connections",
    mixinStandardHelpOptions = true,
    description = "Compares one shared gRPC channel with pools of them, up to 10,000 streams.",
    sortOptions = false)
final class ConnectionsCommand implements Callable<Integer> {
  private static final int HALVES = 2;
  private static final String MEMORY = "process_resident_memory_bytes";

  @Spec private @Nullable CommandSpec spec;
  @Mixin private final TargetOptions target = new TargetOptions();

  @Option(
      names = "--pools",
      split = ",",
      defaultValue = "1,4,8",
      paramLabel = "K",
      description = "Channels (default ${DEFAULT-VALUE}).")
  private List<Integer> pools = List.of();

  @Option(
      names = "--streams",
      split = ",",
      defaultValue = "1,16,256,1000,5000,10000",
      paramLabel = "N",
      description = "Requests in flight (default ${DEFAULT-VALUE}).")
  private List<Integer> streams = List.of();

  @Option(
      names = {"-d", "--duration"},
      defaultValue = "10s",
      converter = Times.class,
      description =
          "Counted for each point, half of it forth and half back (default ${DEFAULT-VALUE}).")
  private Duration duration = Duration.ZERO;

  @Option(
      names = {"-w", "--warmup"},
      defaultValue = "5s",
      converter = Times.class,
      description = "Not counted, half of it on the way back (default ${DEFAULT-VALUE}).")
  private Duration warmUp = Duration.ZERO;

  @Mixin private final ComparisonFiles files = new ComparisonFiles();

  @Override
  public Integer call() throws IOException, InterruptedException {
    if (spec == null) {
      throw new IllegalStateException("spec: null (expected: set by picocli)");
    }
    PrintWriter err = spec.commandLine().getErr();
    CellStore store = files.store();
    try (var loops = EventLoops.of(1);
        var probe = target.probe(loops)) {
      for (int inFlight : streams) {
        List<Point> points =
            pools.stream()
                .filter(channels -> channels <= inFlight)
                .map(channels -> new Point(channels, inFlight))
                .filter(point -> !store.has(point.id()))
                .toList();
        for (Point point : points) {
          measureHalf(point, probe);
        }
        for (Point point : points.reversed()) {
          measureHalf(point, probe);
        }
        for (Point point : points) {
          store.add(point.node());
          show(point, err);
        }
      }
    } catch (InferenceException e) {
      err.println(target.endpoint() + ": " + e.getMessage());
      return 1;
    }
    String text =
        new ConnectionsReport(Environment.now(), target.described(), store.cells()).text();
    files.write(text, spec.commandLine().getOut());
    return 0;
  }

  private void measureHalf(Point point, ServerProbe probe) throws InterruptedException {
    target.channels = Integer.toString(point.channels);
    LoadPlan plan =
        LoadPlan.closed(
            point.streams,
            point.halves.isEmpty() || warmUp.isNegative() ? warmUp : warmUp.dividedBy(HALVES),
            duration.dividedBy(HALVES));
    try (Target opened = target.open(plan)) {
      point.halves.add(new LoadRun(opened, plan, probe, Progress.NONE).run());
      Double bytes = probe.value(MEMORY);
      if (bytes != null) {
        point.memory.add(bytes);
      }
    }
  }

  private static void show(Point point, PrintWriter err) {
    err.println(
        String.format(
            Locale.ROOT,
            "%-28s %,10.0f req/s",
            point.id(),
            MergedResult.of(point.halves).throughput()));
    err.flush();
  }

  /** So many requests in flight on so many channels, and what both halves of it showed. */
  private record Point(int channels, int streams, List<LoadResult> halves, List<Double> memory) {
    Point(int channels, int streams) {
      this(channels, streams, new ArrayList<>(), new ArrayList<>());
    }

    String id() {
      return channels + " channels/" + streams + " streams";
    }

    ObjectNode node() {
      ObjectNode cell = CellStore.newCell(id());
      cell.put("channels", channels).put("streams", streams);
      var mean = memory.stream().mapToDouble(Double::doubleValue).average();
      cell.put("server_memory", mean.isPresent() ? (Double) mean.getAsDouble() : null);
      var throughputs = cell.putArray("halves");
      halves.forEach(half -> throughputs.add(half.throughput()));
      ObjectNode run = cell.putObject("run");
      ReportJson.write(run, MergedResult.of(halves));
      run.remove(List.of("series", "distribution", "histogram"));
      return cell;
    }
  }
}
