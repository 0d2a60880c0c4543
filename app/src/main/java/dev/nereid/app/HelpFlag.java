package dev.nereid.app;

import picocli.CommandLine.Option;

/** The option that every command has. */
final class HelpFlag {
  @Option(
      names = {"-h", "--help"},
      usageHelp = true,
      description = "Says what a command does and takes.")
  @SuppressWarnings("unused") // picocli acts on it
  private boolean help;
}
