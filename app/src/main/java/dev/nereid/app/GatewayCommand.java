package dev.nereid.app;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;
import picocli.CommandLine.Unmatched;

/** Ends with 0 when drained, and with 1 when it could not start or not drain in time. */
@Command(
    name = "gateway",
    description = {
      "Serves pictures over REST in front of remote servers, until it is told to stop.",
      "The same as serve with --upstream, and with no listener but the gateway's open."
    },
    customSynopsis = "nereid gateway --upstream HOST:PORT[,...] [OPTION]...",
    usageHelpWidth = 100,
    sortOptions = false)
final class GatewayCommand implements Callable<Integer> {
  private final Installation installation;

  @Mixin
  @SuppressWarnings("unused") // picocli acts on it
  private HelpFlag help = new HelpFlag();

  @Option(
      names = Settings.FILE_OPTION,
      paramLabel = "FILE",
      description =
          "Reads options from a YAML file, a line for each: 'upstream: [a:8001, b:8001]'.")
  @SuppressWarnings({"unused", "NullAway.Init"}) // Settings has read it
  private Path config;

  @Mixin private ServeFlags flags = ServeFlags.ofGateway();

  @Unmatched private List<String> others = new ArrayList<>();

  @Spec
  @SuppressWarnings("NullAway.Init") // by picocli
  private CommandSpec spec;

  GatewayCommand(Installation installation) {
    this.installation = installation;
  }

  @Override
  public Integer call() throws IOException, InterruptedException {
    if (!flags.hasUpstream()) {
      throw new Mishap("--upstream: none (expected: HOST:PORT of a v2 gRPC server, or several)");
    }
    return ServeCommand.run(flags, others, spec, installation);
  }
}
