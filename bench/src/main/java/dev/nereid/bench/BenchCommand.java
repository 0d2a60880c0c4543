package dev.nereid.bench;

import dev.nereid.client.EventLoops;
import dev.nereid.client.InferenceException;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/**
 * {@code nereid bench}: presses a server in a closed loop and says what it did. Exit status 0 when
 * requests were completed and, with {@code --verify}, none failed; 1 otherwise; 2 for a wrong
 * command line.
 */
@Command(
    name = "bench",
    mixinStandardHelpOptions = true,
    description = "Measures a v2 server or an image route in a closed loop.",
    subcommands = {
      EngineCommand.class,
      BodyCommand.class,
      ChaosCommand.class,
      EchoServerCommand.class
    },
    sortOptions = false)
public final class BenchCommand implements Callable<Integer> {
  @Spec private @Nullable CommandSpec spec;
  @Mixin private final TargetOptions target = new TargetOptions();
  @Mixin private final LoadOptions load = new LoadOptions();

  @Option(names = "--json", paramLabel = "FILE", description = "Write the results as JSON.")
  private @Nullable Path json;

  @Option(names = "--csv", paramLabel = "FILE", description = "Write the results as CSV.")
  private @Nullable Path csv;

  @Option(
      names = {"-q", "--quiet"},
      description = "No line per second.")
  private boolean quiet;

  /** For picocli. */
  public BenchCommand() {}

  @Override
  public Integer call() throws IOException, InterruptedException {
    PrintWriter err = spec().commandLine().getErr();
    List<LoadResult> results = new ArrayList<>();
    try (var loops = EventLoops.of(1);
        var probe = target.probe(loops)) {
      for (int inFlight : load.concurrency) {
        results.add(run(load.plan(inFlight), probe, err));
      }
    } catch (InferenceException e) {
      err.println(target.endpoint() + ": " + e.getMessage());
      return 1;
    } catch (IllegalArgumentException e) {
      err.println(e.getMessage());
      return 2;
    }
    report(results);
    return results.stream().allMatch(this::isGood) ? 0 : 1;
  }

  private LoadResult run(LoadPlan plan, ServerProbe probe, PrintWriter err)
      throws InterruptedException {
    Consumer<String> progress =
        line -> {
          if (!quiet) {
            err.println(plan.concurrency() + " in flight  " + line);
            err.flush();
          }
        };
    try (Target opened = target.open(plan.concurrency(), plan.seed())) {
      return new LoadRun(opened, plan, probe, progress).run();
    }
  }

  private void report(List<LoadResult> results) throws IOException {
    PrintWriter out = spec().commandLine().getOut();
    Environment environment = Environment.now();
    String title =
        String.join(", ", target.described().values())
            + "  ("
            + environment.commit()
            + ", "
            + environment.date()
            + ")";
    out.print(ReportTable.of(title, results));
    out.flush();
    if (json != null) {
      Files.writeString(json, ReportJson.of(environment, target.described(), results));
    }
    if (csv != null) {
      Files.writeString(csv, ReportCsv.of(environment, target.described(), results));
    }
  }

  private boolean isGood(LoadResult result) {
    boolean clean = result.failed() == 0 && result.unanswered() == 0;
    return result.completed() > 0 && (clean || !result.plan().verify());
  }

  private CommandSpec spec() {
    if (spec == null) {
      throw new IllegalStateException("spec: null (expected: set by picocli)");
    }
    return spec;
  }
}
