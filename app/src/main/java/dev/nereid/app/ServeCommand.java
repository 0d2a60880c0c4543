package dev.nereid.app;

import dev.nereid.engine.IndexEntry;
import dev.nereid.engine.LoadReport;
import java.io.IOException;
import java.io.PrintWriter;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;
import picocli.CommandLine.Unmatched;
import picocli.CommandLine.UnmatchedArgumentException;

/** Ends with 0 when drained, and with 1 when it could not start or not drain in time. */
@Command(
    name = "serve",
    description = {
      "Serves the models of a repository until it is told to stop.",
      "Options carry Triton's names; --name=VALUE and --name VALUE mean the same."
    },
    customSynopsis = "nereid serve [OPTION]...",
    usageHelpWidth = 100,
    sortOptions = false)
final class ServeCommand implements Callable<Integer> {
  private static final Logger LOG = LoggerFactory.getLogger(ServeCommand.class);

  private final Installation installation;

  @Mixin
  @SuppressWarnings("unused") // picocli acts on it
  private HelpFlag help = new HelpFlag();

  @Option(
      names = Settings.FILE_OPTION,
      paramLabel = "FILE",
      description =
          "Reads options from a YAML file, a line for each: 'http-port: 8000'. The environment wins"
              + " over it (NEREID_HTTP_PORT=8000), and the command line over both.")
  @SuppressWarnings({"unused", "NullAway.Init"}) // Settings has read it
  private Path config;

  @Mixin private ServeFlags flags = new ServeFlags();

  @Unmatched private List<String> others = new ArrayList<>();

  @Spec
  @SuppressWarnings("NullAway.Init") // by picocli
  private CommandSpec spec;

  ServeCommand(Installation installation) {
    this.installation = installation;
  }

  @Override
  public Integer call() throws IOException, InterruptedException {
    return run(flags, others, spec, installation);
  }

  /** Serves as these flags say. */
  static int run(ServeFlags flags, List<String> others, CommandSpec spec, Installation installation)
      throws IOException, InterruptedException {
    TritonFlags.Outcome sorted = TritonFlags.sort(others);
    if (!sorted.unknown().isEmpty()) {
      throw new UnmatchedArgumentException(spec.commandLine(), sorted.unknown());
    }
    ServeOptions options = flags.options(installation);
    check(options);
    Logs log = Logs.configure(options.logging());
    sorted.warnings().forEach(LOG::warn);
    flags.warnings().forEach(LOG::warn);
    Thread.ofPlatform().daemon().name("native-messages").start(NativeMessages::intoLog);
    StopSignal stop = StopSignal.listen();
    try (Server server = Server.start(options, installation, log)) {
      return serve(server, options, stop, new Printing(spec, installation));
    }
  }

  private record Printing(CommandSpec spec, Installation installation) {}

  private static int serve(Server server, ServeOptions options, StopSignal stop, Printing printing)
      throws InterruptedException {
    PrintWriter out = printing.spec.commandLine().getOut();
    Banner banner = new Banner(options, server, printing.installation);
    banner.printAddresses(out);
    LoadReport report = firstOf(server.engine().started(), stop);
    if (report != null) {
      banner.printModels(out, report, sinceStart());
      if (options.models().exitOnError() && !report.failures().isEmpty()) {
        throw new Mishap(
            failures(report.failures()) + " (--exit-on-error is true: nothing is served)");
      }
      stop.await();
    }
    LOG.info("Waiting for requests to finish, {} s at most", options.exitTimeout().toSeconds());
    // Nobody shares out load to a server in a terminal.
    Duration grace = stop.isInterrupt() ? Duration.ZERO : options.exitGrace();
    if (server.drain(grace, options.exitTimeout())) {
      LOG.info("Every request was answered; ending");
      return 0;
    }
    LOG.error("Exit timeout expired. Exiting immediately.");
    return 1;
  }

  private static String failures(List<IndexEntry> failed) {
    return failed.stream()
        .map(entry -> "'" + entry.model() + "' could not be loaded: " + entry.reason())
        .collect(Collectors.joining("; "));
  }

  /** The report, or null when the signal came before it. */
  private static @Nullable LoadReport firstOf(
      CompletableFuture<LoadReport> started, StopSignal stop) throws InterruptedException {
    CompletableFuture<@Nullable LoadReport> first = new CompletableFuture<>();
    var _ = started.thenAccept(first::complete);
    Thread waiting =
        Thread.ofVirtual()
            .start(
                () -> {
                  try {
                    stop.await();
                    first.complete(null);
                  } catch (InterruptedException e) {
                    Thread.currentThread().interrupt();
                  }
                });
    LoadReport report = first.join();
    waiting.interrupt();
    return report;
  }

  private static Duration sinceStart() {
    // Not the process's start: the launcher builds and prepares under the same number.
    return Duration.ofMillis(
        System.currentTimeMillis() - ManagementFactory.getRuntimeMXBean().getStartTime());
  }

  /** What would fail later, told in the words of the command line. */
  private static void check(ServeOptions options) {
    for (Path repository : options.models().repositories()) {
      if (!Files.isDirectory(repository)) {
        throw new Mishap(
            "--model-repository: %s: %s (expected: a directory with one folder for each model)"
                .formatted(
                    repository,
                    Files.exists(repository) ? "not a directory" : "no such directory"));
      }
      if (!Files.isReadable(repository)) {
        throw new Mishap("--model-repository: " + repository + ": permission denied");
      }
    }
    Map<Integer, String> taken = new HashMap<>();
    endpoints(options)
        .forEach(
            (flag, endpoint) -> {
              String other = endpoint.port() == 0 ? null : taken.put(endpoint.port(), flag);
              if (other != null) {
                throw new Mishap(
                    "%s: %d (expected: a port of its own, %s has this one)"
                        .formatted(flag, endpoint.port(), other));
              }
            });
  }

  private static Map<String, ServeOptions.Endpoint> endpoints(ServeOptions options) {
    Map<String, ServeOptions.Endpoint> open = new LinkedHashMap<>();
    open.put("--http-port", options.http().endpoint());
    open.put("--grpc-port", options.grpc().endpoint());
    open.put("--metrics-port", options.metrics().endpoint());
    open.put("--gateway-port", options.gateway().endpoint());
    open.values().removeIf(endpoint -> !endpoint.open());
    return open;
  }
}
