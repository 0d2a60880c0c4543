package dev.nereid.bench;

import java.time.Duration;
import java.util.Locale;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/** Times as people write and read them: {@code 500ms}, {@code 10s}, {@code 2m}. */
final class Times implements ITypeConverter<Duration> {
  static final String AUTO = "auto";
  private static final String NOT_KNOWN = "-";

  /** {@code 500ms}, {@code 10s}, {@code 2m}, a bare number of seconds, or {@code auto}. */
  @Override
  public Duration convert(String value) {
    return parse(value);
  }

  static Duration parse(String value) {
    String text = value.strip().toLowerCase(Locale.ROOT);
    if (text.equals(AUTO)) {
      return LoadPlan.UNTIL_STABLE;
    }
    try {
      if (text.endsWith("us")) {
        return Duration.ofNanos(Math.round(1e3 * number(text, 2)));
      }
      if (text.endsWith("ms")) {
        return Duration.ofNanos(Math.round(1e6 * number(text, 2)));
      }
      if (text.endsWith("m")) {
        return Duration.ofMillis(Math.round(60e3 * number(text, 1)));
      }
      return Duration.ofMillis(Math.round(1e3 * number(text, text.endsWith("s") ? 1 : 0)));
    } catch (NumberFormatException e) {
      throw new TypeConversionException("'" + value + "' (expected: such as 500ms, 10s or 2m)");
    }
  }

  private static double number(String text, int unit) {
    return Double.parseDouble(text.substring(0, text.length() - unit));
  }

  /** A time with its unit: {@code 12.3us}, {@code 4.56ms}, {@code 7.89s}. */
  static String micros(@Nullable Double micros) {
    if (micros == null) {
      return NOT_KNOWN;
    }
    if (micros < 1e3) {
      return String.format(Locale.ROOT, "%.1fus", micros);
    }
    return micros < 1e6
        ? String.format(Locale.ROOT, "%.2fms", micros / 1e3)
        : String.format(Locale.ROOT, "%.2fs", micros / 1e6);
  }
}
