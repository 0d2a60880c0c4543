package dev.nereid.app;

import dev.nereid.bench.BenchCommand;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.UsageMessageSpec;

/** The only {@code main}: reads the command line and runs one command. */
@Command(
    name = "nereid",
    description = "Serves models over Triton's v2 protocol, and pictures over REST.",
    synopsisSubcommandLabel = "COMMAND",
    footer = {
      "",
      "Every command explains itself: nereid COMMAND --help",
      "To begin: nereid serve",
    },
    subcommands = {
      ServeCommand.class,
      InferCommand.class,
      ModelCommand.class,
      CheckModelCommand.class,
      BenchCommand.class,
      VersionCommand.class,
      TrainCommand.class
    })
public final class Nereid {
  @Mixin
  @SuppressWarnings("unused") // picocli acts on it
  private HelpFlag help = new HelpFlag();

  Nereid() {}

  /** Runs the command that the arguments name; the process ends with its exit code. */
  public static void main(String[] arguments) {
    System.exit(commandLine(Installation.ofProcess()).execute(spelled(arguments)));
  }

  /** {@code help COMMAND} is another way to say {@code COMMAND --help}. */
  static String[] spelled(String[] arguments) {
    if (arguments.length == 0 || (arguments.length == 1 && arguments[0].equals("help"))) {
      return new String[] {"--help"};
    }
    return arguments.length == 2 && arguments[0].equals("help")
        ? new String[] {arguments[1], "--help"}
        : arguments;
  }

  /** The command line of one installation, ready to run. */
  static CommandLine commandLine(Installation installation) {
    CommandLine line = new CommandLine(new Nereid(), new Commands(installation));
    Mishaps mishaps = new Mishaps();
    CommandLine serve = line.getSubcommands().get("serve");
    if (serve != null) {
      serve.getHelpSectionMap().put(UsageMessageSpec.SECTION_KEY_OPTION_LIST, new ServeHelp());
    }
    return line.setOverwrittenOptionsAllowed(true)
        .setParameterExceptionHandler(mishaps)
        .setExecutionExceptionHandler(mishaps)
        .setUsageHelpLongOptionsMaxWidth(34)
        .setUsageHelpAutoWidth(true);
  }
}
