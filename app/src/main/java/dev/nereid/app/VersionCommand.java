package dev.nereid.app;

import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

@Command(name = "version", description = "Prints the version, and what it runs on.")
final class VersionCommand implements Callable<Integer> {
  private final Installation installation;

  @Mixin
  @SuppressWarnings("unused") // picocli acts on it
  private HelpFlag help = new HelpFlag();

  @Spec
  @SuppressWarnings("NullAway.Init") // by picocli
  private CommandSpec spec;

  VersionCommand(Installation installation) {
    this.installation = installation;
  }

  @Override
  public Integer call() {
    spec.commandLine()
        .getOut()
        .printf(
            "nereid %s on Java %s (%s), %s %s, %d cores%n",
            installation.version(),
            System.getProperty("java.version"),
            System.getProperty("java.vendor"),
            System.getProperty("os.name"),
            System.getProperty("os.arch"),
            Runtime.getRuntime().availableProcessors());
    return 0;
  }
}
