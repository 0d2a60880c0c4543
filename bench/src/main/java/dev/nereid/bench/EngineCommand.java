package dev.nereid.bench;

import dev.nereid.backend.onnx.BareSession;
import dev.nereid.core.FaultException;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.ObjectMapper;

/** {@code nereid bench engine}: the ceiling that a server of the same model is measured against. */
@Command(
    name = "engine",
    mixinStandardHelpOptions = true,
    description = "Runs ONNX Runtime alone in a loop, and compares a server's run with it.")
final class EngineCommand implements Callable<Integer> {
  @Spec private @Nullable CommandSpec spec;

  @Option(
      names = {"-m", "--model"},
      required = true,
      paramLabel = "PATH",
      description = "An ONNX file, a version's folder, or a model's folder (its newest version).")
  private @Nullable Path model;

  @Option(
      names = {"-b", "--batch"},
      split = ",",
      defaultValue = "1",
      description = "Rows in each run; several numbers for several runs.")
  private List<Integer> batches = List.of();

  @Option(
      names = "--threads",
      defaultValue = "1",
      description = "For one run (default ${DEFAULT-VALUE}).")
  private int threads;

  @Option(
      names = {"--instances", "--callers"},
      defaultValue = "1",
      description = "Loops at the same time (default ${DEFAULT-VALUE}).")
  private int instances;

  @Option(
      names = "--spinning",
      description = "Let idle threads of the runtime burn their core, as is its default.")
  private boolean spinning;

  @Option(
      names = {"-d", "--duration"},
      defaultValue = "5s",
      converter = Times.class,
      paramLabel = "TIME",
      description = "Counted for each batch size (default ${DEFAULT-VALUE}).")
  private Duration duration = Duration.ZERO;

  @Option(
      names = {"-w", "--warmup"},
      defaultValue = "2s",
      converter = Times.class,
      paramLabel = "TIME",
      description = "Not counted (default ${DEFAULT-VALUE}).")
  private Duration warmUp = Duration.ZERO;

  @Option(
      names = "--against",
      paramLabel = "FILE",
      description =
          "A server's run, written by bench --json: prints its throughput over the best ceiling.")
  private @Nullable Path against;

  @Override
  public Integer call() throws IOException {
    if (spec == null || model == null) {
      throw new IllegalStateException("command: not made by picocli");
    }
    PrintWriter out = spec.commandLine().getOut();
    double best = 0;
    try (BareSession session = BareSession.open(versionOf(model), threads, spinning)) {
      for (int batch : batches) {
        double items =
            session.itemsPerSecond(new BareSession.Load(batch, instances, warmUp, duration));
        best = Math.max(best, items);
        out.println(
            String.format(
                Locale.ROOT,
                "batch %d, %d x %d threads: %,.1f items/s, %s each",
                batch,
                instances,
                threads,
                items,
                Times.micros(1e6 * instances / items)));
        out.flush();
      }
    } catch (FaultException e) {
      spec.commandLine().getErr().println(e.getMessage());
      return 1;
    }
    if (against != null) {
      compare(out, against, best);
    }
    return 0;
  }

  private static void compare(PrintWriter out, Path file, double ceiling) {
    try {
      JsonNode report = new ObjectMapper().readTree(file);
      int batch = Integer.parseInt(report.path("target").path("batch").asString("1"));
      for (JsonNode run : report.path("runs")) {
        double items = batch * run.path("throughput").doubleValue();
        out.println(
            String.format(
                Locale.ROOT,
                "server at %d in flight: %,.1f items/s, %.3f of the ceiling",
                run.path("plan").path("concurrency").asInt(0),
                items,
                items / ceiling));
      }
    } catch (JacksonException e) {
      throw new IllegalArgumentException(
          "--against: " + file + " (expected: JSON written by bench --json)", e);
    }
  }

  /** A model's folder stands for its newest version. */
  static Path versionOf(Path path) throws IOException {
    if (!Files.isDirectory(path)) {
      return path;
    }
    try (Stream<Path> children = Files.list(path)) {
      return children
          .filter(
              child ->
                  Files.isDirectory(child) && child.getFileName().toString().matches("\\d{1,9}"))
          .max(Comparator.comparingInt(child -> Integer.parseInt(child.getFileName().toString())))
          .orElse(path);
    }
  }
}
