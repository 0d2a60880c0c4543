package dev.nereid.bench;

import java.time.Duration;
import java.util.List;
import java.util.Locale;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.Option;
import picocli.CommandLine.TypeConversionException;

/** How hard to press, and for how long. */
final class LoadOptions {
  private static final String AUTO = "auto";

  @Option(
      names = {"-c", "--concurrency"},
      split = ",",
      defaultValue = "16",
      paramLabel = "N",
      description =
          "Requests in flight; several numbers for several runs (default ${DEFAULT-VALUE}).")
  List<Integer> concurrency = List.of();

  @Option(
      names = {"-d", "--duration"},
      defaultValue = "10s",
      converter = Time.class,
      paramLabel = "TIME",
      description = "Counted for each run, such as 500ms, 10s, 2m (default ${DEFAULT-VALUE}).")
  Duration duration = Duration.ZERO;

  @Option(
      names = {"-w", "--warmup"},
      defaultValue = AUTO,
      converter = Time.class,
      paramLabel = "TIME|auto",
      description = "Not counted; auto: until three seconds in a row agree within 5 %%.")
  Duration warmUp = Duration.ZERO;

  @Option(
      names = {"-n", "--requests"},
      defaultValue = "0",
      description = "Ends a run after so many requests.")
  long requests;

  @Option(
      names = "--deadline",
      defaultValue = "0s",
      converter = Time.class,
      paramLabel = "TIME",
      description = "For each request (default none).")
  Duration deadline = Duration.ZERO;

  @Option(
      names = "--seed",
      defaultValue = "1",
      description = "Decides data and orders (default ${DEFAULT-VALUE}).")
  long seed;

  @Option(
      names = "--verify",
      description = "Compare every reply's content with the reply to the same request sent alone.")
  boolean verify;

  LoadPlan plan(int inFlight) {
    return new LoadPlan(inFlight, warmUp, duration, requests, deadline, seed, verify);
  }

  /** {@code 500ms}, {@code 10s}, {@code 2m} or a bare number of seconds. */
  static final class Time implements ITypeConverter<Duration> {
    @Override
    public Duration convert(String value) {
      String text = value.strip().toLowerCase(Locale.ROOT);
      if (text.equals(AUTO)) {
        return LoadPlan.UNTIL_STABLE;
      }
      try {
        if (text.endsWith("ms")) {
          return Duration.ofMillis(Long.parseLong(text.substring(0, text.length() - 2)));
        }
        if (text.endsWith("m")) {
          return Duration.ofMinutes(Long.parseLong(text.substring(0, text.length() - 1)));
        }
        String seconds = text.endsWith("s") ? text.substring(0, text.length() - 1) : text;
        return Duration.ofMillis(Math.round(1e3 * Double.parseDouble(seconds)));
      } catch (NumberFormatException e) {
        throw new TypeConversionException("'" + value + "' (expected: such as 500ms, 10s or 2m)");
      }
    }
  }
}
