package dev.nereid.app;

import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

/** The commands on models in a repository. */
@Command(
    name = "model",
    description = "Puts models into a repository.",
    synopsisSubcommandLabel = "COMMAND",
    subcommands = ModelAddCommand.class)
final class ModelCommand {
  @Mixin
  @SuppressWarnings("unused") // picocli acts on it
  private HelpFlag help = new HelpFlag();
}
