package dev.nereid.app;

import dev.nereid.engine.EngineOptions.Control;
import dev.nereid.engine.EngineOptions.ControlMode;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.Option;
import picocli.CommandLine.TypeConversionException;

/** Options on who decides what is served. */
final class ControlFlags {
  /** How often the demo models are looked at: whoever tries things out does not want to wait. */
  private static final int DEMO_POLL_SECONDS = 2;

  private static final int POLL_SECONDS = 15;

  @Option(
      names = "--model-control-mode",
      paramLabel = "none|poll|explicit",
      converter = ModeConverter.class,
      description = {
        "none: what lies in the repositories at the start is served, for good.",
        "poll: the repositories are looked at again and again.",
        "explicit: models are loaded and unloaded on request.",
        "(default: none; poll, every 2 s, when no repository is named and the demo models are served)"
      })
  private @Nullable ControlMode mode;

  @Option(
      names = "--repository-poll-secs",
      paramLabel = "SECONDS",
      description = "In poll mode, how often the repositories are looked at (15).")
  private @Nullable Integer pollSeconds;

  @Option(
      names = "--load-model",
      paramLabel = "NAME",
      description =
          "In explicit mode, a model to load at the start; may be repeated; * means all of them.")
  private List<String> startModels = new ArrayList<>();

  @Option(
      names = "--model-load-retry-count",
      paramLabel = "N",
      description = "How often a load that failed is tried again (${DEFAULT-VALUE}).")
  private int retries;

  @Option(
      names = "--model-load-timeout-secs",
      paramLabel = "SECONDS",
      description = "After which a load that does not end is given up (${DEFAULT-VALUE}).")
  private int timeoutSeconds = 600;

  /** What they say, for named repositories or the demo models. */
  Control options(boolean demo) {
    ControlMode usual = demo ? ControlMode.POLL : ControlMode.NONE;
    ControlMode chosen = mode == null ? usual : mode;
    if (!startModels.isEmpty() && chosen != ControlMode.EXPLICIT) {
      throw new Mishap(
          "--load-model: %s (expected: together with --model-control-mode=explicit)"
              .formatted(startModels.getFirst()));
    }
    int usualSeconds = demo ? DEMO_POLL_SECONDS : POLL_SECONDS;
    int seconds = pollSeconds == null ? usualSeconds : pollSeconds;
    requireAtLeast("--repository-poll-secs", seconds, 1);
    requireAtLeast("--model-load-timeout-secs", timeoutSeconds, 1);
    requireAtLeast("--model-load-retry-count", retries, 0);
    return new Control(
        chosen,
        startModels,
        Duration.ofSeconds(seconds),
        Duration.ofSeconds(timeoutSeconds),
        retries,
        null);
  }

  private static void requireAtLeast(String flag, int value, int least) {
    if (value < least) {
      throw new Mishap(flag + ": " + value + " (expected: >= " + least + ")");
    }
  }

  /** Reads {@link ControlMode}. */
  static final class ModeConverter implements ITypeConverter<ControlMode> {
    @Override
    public ControlMode convert(String value) {
      return switch (value.toLowerCase(Locale.ROOT)) {
        case "none" -> ControlMode.NONE;
        case "poll" -> ControlMode.POLL;
        case "explicit" -> ControlMode.EXPLICIT;
        default -> throw new TypeConversionException(value + " (expected: none, poll or explicit)");
      };
    }
  }
}
