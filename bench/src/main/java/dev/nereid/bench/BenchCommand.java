package dev.nereid.bench;

import dev.nereid.client.EventLoops;
import dev.nereid.client.InferenceException;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;
import picocli.CommandLine.TypeConversionException;

/**
 * {@code nereid bench}: presses a server and says what it did. Exit status 0 when requests were
 * completed and, with {@code --verify}, none failed; 1 otherwise; 2 for a wrong command line.
 */
@Command(
    name = "bench",
    mixinStandardHelpOptions = true,
    description = "Measures a v2 server, an image route or any HTTP endpoint.",
    subcommands = {
      CompareCommand.class,
      ProtocolsCommand.class,
      ConnectionsCommand.class,
      EngineCommand.class,
      BodyCommand.class,
      ChaosCommand.class,
      EchoServerCommand.class
    },
    sortOptions = false)
public final class BenchCommand implements Callable<Integer> {
  @Spec private @Nullable CommandSpec spec;
  @Mixin private final TargetOptions target = new TargetOptions();

  @Option(
      names = "--mode",
      converter = Mode.Names.class,
      paramLabel = "MODE",
      description =
          "quick, full, sustained, single, set, all, variable or matrix; see --list-modes.")
  private @Nullable Mode mode;

  @Option(names = "--list-modes", description = "Says what the modes do.")
  private boolean listModes;

  @Mixin private final LoadOptions load = new LoadOptions();
  @Mixin private final ReportOptions report = new ReportOptions();

  /** For picocli. */
  public BenchCommand() {}

  @Override
  public Integer call() throws IOException, InterruptedException {
    PrintWriter out = spec().commandLine().getOut();
    if (listModes) {
      for (Mode each : Mode.values()) {
        out.println(each.described());
      }
      return 0;
    }
    PrintWriter err = spec().commandLine().getErr();
    List<LoadResult> results;
    try (var loops = EventLoops.of(1);
        var probe = target.probe(loops)) {
      results = run(probe, report.progress(err));
    } catch (InferenceException e) {
      String message = String.valueOf(e.getMessage());
      err.println(target.endpoint() + ": " + message.replaceAll("\\s*\\R\\s*", "; "));
      return 1;
    } catch (UncheckedIOException e) {
      err.println(e.getMessage() + ": " + e.getCause());
      return 2;
    } catch (IllegalArgumentException | TypeConversionException e) {
      err.println(e.getMessage());
      return 2;
    }
    report.write(out, target.described(), results);
    return results.stream().allMatch(this::isGood) ? 0 : 1;
  }

  private List<LoadResult> run(ServerProbe probe, Progress progress) throws InterruptedException {
    List<LoadResult> results = new ArrayList<>();
    Mode.Runner runner = plan -> run(plan, probe, progress);
    if (mode != null) {
      mode.prepare(target);
    }
    for (int i = 0; i < Math.max(1, load.repeat); i++) {
      if (mode != null) {
        results.addAll(mode.run(load, runner));
      } else {
        for (LoadPlan plan : load.plans()) {
          results.add(runner.run(plan));
        }
      }
    }
    progress.end();
    return results;
  }

  private LoadResult run(LoadPlan plan, ServerProbe probe, Progress progress)
      throws InterruptedException {
    try (Target opened = target.open(plan)) {
      return new LoadRun(opened, plan, probe, progress).run();
    }
  }

  private boolean isGood(LoadResult result) {
    boolean clean =
        result.failed() == 0 && result.window().unanswered() == 0 && result.window().unsent() == 0;
    return result.completed() > 0 && (clean || !result.plan().verify());
  }

  private CommandSpec spec() {
    if (spec == null) {
      throw new IllegalStateException("spec: null (expected: set by picocli)");
    }
    return spec;
  }
}
