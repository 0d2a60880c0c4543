package dev.nereid.app;

import dev.nereid.bench.BenchCommand;
import java.util.List;
import java.util.Map;
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
    })
public final class Nereid {
  private static final List<Class<?>> COMMANDS =
      List.of(
          ServeCommand.class,
          GatewayCommand.class,
          InferCommand.class,
          ModelCommand.class,
          KeyCommand.class,
          CheckModelCommand.class,
          BenchCommand.class,
          VersionCommand.class,
          TrainCommand.class);

  @Mixin
  @SuppressWarnings("unused") // picocli acts on it
  private HelpFlag help = new HelpFlag();

  Nereid() {}

  /** Runs the command that the arguments name; the process ends with its exit code. */
  public static void main(String[] arguments) {
    Installation installation = Installation.ofProcess();
    NativeLibraries.useCached(installation);
    String[] words = spelled(arguments);
    System.exit(run(commandLine(installation, words[0]), words, System.getenv()));
  }

  /** Runs a command with what the environment and a configuration file add to its words. */
  static int run(CommandLine line, String[] words, Map<String, String> environment) {
    CommandLine command = line.getSubcommands().get(words[0]);
    String[] expanded;
    try {
      expanded = Settings.expand(command, words, environment);
    } catch (Mishap mishap) {
      line.getErr().println("nereid " + words[0] + ": " + mishap.getMessage());
      return Mishaps.FAILED;
    }
    return line.execute(expanded);
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

  /** The command line of one installation, ready to run any command. */
  static CommandLine commandLine(Installation installation) {
    return commandLine(installation, "");
  }

  /**
   * The command line of one installation with the command of that name alone, which spares a start
   * the reading of all others, or with all commands when none has that name.
   */
  private static CommandLine commandLine(Installation installation, String name) {
    Commands factory = new Commands(installation);
    CommandLine line = new CommandLine(new Nereid(), factory);
    List<Class<?>> named = COMMANDS.stream().filter(type -> nameOf(type).equals(name)).toList();
    for (Class<?> type : named.isEmpty() ? COMMANDS : named) {
      line.addSubcommand(nameOf(type), new CommandLine(type, factory));
    }
    for (String sectioned : List.of("serve", "gateway")) {
      CommandLine command = line.getSubcommands().get(sectioned);
      if (command != null) {
        command.getHelpSectionMap().put(UsageMessageSpec.SECTION_KEY_OPTION_LIST, new ServeHelp());
      }
    }
    Mishaps mishaps = new Mishaps();
    return line.setOverwrittenOptionsAllowed(true)
        .setParameterExceptionHandler(mishaps)
        .setExecutionExceptionHandler(mishaps)
        .setUsageHelpLongOptionsMaxWidth(34)
        .setUsageHelpAutoWidth(true);
  }

  private static String nameOf(Class<?> type) {
    return type.getAnnotation(Command.class).name();
  }
}
