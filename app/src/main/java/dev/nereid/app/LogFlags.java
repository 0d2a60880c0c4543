package dev.nereid.app;

import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import java.util.logging.Level;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.Option;
import picocli.CommandLine.TypeConversionException;

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
      paramLabel = "default|ISO8601|json",
      converter = FormatConverter.class,
      description = "How lines are written; json makes the access log JSON, too (default).")
  private LogFormat format = LogFormat.DEFAULT;

  @Option(
      names = "--log-level",
      paramLabel = "NAME=LEVEL",
      description =
          "How much of a room (http) or a package (io.netty) is logged: off, error, warning, info,"
              + " debug or trace; may be repeated.")
  private Map<String, String> levels = new HashMap<>();

  @Option(
      names = "--log-file",
      paramLabel = "FILE",
      description = "Where to log (default: standard error).")
  private @Nullable Path file;

  ServeOptions.Logging options() {
    Map<String, Level> byPackage = new HashMap<>();
    levels.forEach(
        (name, level) ->
            byPackage.put(name.indexOf('.') < 0 ? "dev.nereid." + name : name, level(level)));
    return new ServeOptions.Logging(verbose, info, warning, error, format, byPackage, file);
  }

  private static Level level(String typed) {
    return switch (typed) {
      case "off" -> Level.OFF;
      case "error" -> Level.SEVERE;
      case "warning" -> Level.WARNING;
      case "info" -> Level.INFO;
      case "debug" -> Level.FINE;
      case "trace" -> Level.ALL;
      default ->
          throw new Mishap(
              "--log-level: " + typed + " (expected: off, error, warning, info, debug or trace)");
    };
  }

  /** Reads {@link LogFormat}. */
  static final class FormatConverter implements ITypeConverter<LogFormat> {
    @Override
    public LogFormat convert(String value) {
      LogFormat format = LogFormat.named(value);
      if (format == null) {
        throw new TypeConversionException(value + " (expected: default, ISO8601 or json)");
      }
      return format;
    }
  }
}
