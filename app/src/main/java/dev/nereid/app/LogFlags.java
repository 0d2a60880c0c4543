package dev.nereid.app;

import java.nio.file.Path;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** Options on what is logged. */
final class LogFlags {
  @Option(
      names = "--log-verbose",
      paramLabel = "LEVEL",
      converter = OnOff.Verbosity.class,
      arity = "1",
      description = "0 for nothing more, 1 for decisions, 2 for single requests (0).")
  private int verbose;

  @Option(
      names = "--log-info",
      paramLabel = "BOOL",
      converter = OnOff.class,
      arity = "1",
      description = "Whether information is logged (${DEFAULT-VALUE}).")
  private boolean info = true;

  @Option(
      names = "--log-warning",
      paramLabel = "BOOL",
      converter = OnOff.class,
      arity = "1",
      description = "Whether warnings are logged (${DEFAULT-VALUE}).")
  private boolean warning = true;

  @Option(
      names = "--log-error",
      paramLabel = "BOOL",
      converter = OnOff.class,
      arity = "1",
      description = "Whether errors are logged (${DEFAULT-VALUE}).")
  private boolean error = true;

  @Option(
      names = "--log-format",
      paramLabel = "default|ISO8601",
      description = "How lines begin (${DEFAULT-VALUE}).")
  private String format = "default";

  @Option(
      names = "--log-file",
      paramLabel = "FILE",
      description = "Where to log (default: standard error).")
  private @Nullable Path file;

  ServeOptions.Logging options() {
    boolean iso8601 =
        switch (format) {
          case "default" -> false;
          case "ISO8601" -> true;
          default ->
              throw new Mishap("--log-format: " + format + " (expected: default or ISO8601)");
        };
    return new ServeOptions.Logging(verbose, info, warning, error, iso8601, file);
  }
}
