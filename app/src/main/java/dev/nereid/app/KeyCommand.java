package dev.nereid.app;

import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

/** The commands on callers' keys. */
@Command(
    name = "key",
    description = "Makes keys for callers.",
    synopsisSubcommandLabel = "COMMAND",
    subcommands = KeyNewCommand.class)
final class KeyCommand {
  @Mixin
  @SuppressWarnings("unused") // picocli acts on it
  private HelpFlag help = new HelpFlag();
}
