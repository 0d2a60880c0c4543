package dev.nereid.bench;

import dev.nereid.client.EventLoops;
import dev.nereid.client.InferenceException;
import java.io.IOException;
import java.io.PrintWriter;
import java.time.Duration;
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
      description = "Counted for each point (default ${DEFAULT-VALUE}).")
  private Duration duration = Duration.ZERO;

  @Option(
      names = {"-w", "--warmup"},
      defaultValue = "5s",
      converter = Times.class,
      description = "Not counted (default ${DEFAULT-VALUE}).")
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
        for (int channels : pools) {
          String id = channels + " channels/" + inFlight + " streams";
          if (channels <= inFlight && !store.has(id)) {
            ObjectNode cell = measure(id, channels, inFlight, probe);
            err.println(
                String.format(
                    Locale.ROOT,
                    "%-28s %,10.0f req/s",
                    id,
                    cell.path("run").path("throughput").doubleValue()));
            err.flush();
            store.add(cell);
          }
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

  private ObjectNode measure(String id, int channels, int inFlight, ServerProbe probe)
      throws InterruptedException {
    target.channels = Integer.toString(channels);
    LoadPlan plan = LoadPlan.closed(inFlight, warmUp, duration);
    ObjectNode cell = CellStore.newCell(id);
    cell.put("channels", channels).put("streams", inFlight);
    try (Target opened = target.open(plan)) {
      LoadResult result = new LoadRun(opened, plan, probe, Progress.NONE).run();
      cell.put("server_memory", probe.value(MEMORY));
      ObjectNode run = cell.putObject("run");
      ReportJson.write(run, result);
      run.remove(List.of("series", "distribution", "histogram"));
    }
    return cell;
  }
}
