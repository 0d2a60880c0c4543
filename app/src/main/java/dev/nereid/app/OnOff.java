package dev.nereid.app;

import java.util.Locale;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/** Reads a switch as Triton does: true, on or 1 against false, off or 0, in any case. */
final class OnOff implements ITypeConverter<Boolean> {
  @Override
  public Boolean convert(String value) {
    return switch (value.toLowerCase(Locale.ROOT)) {
      case "true", "on", "1" -> true;
      case "false", "off", "0" -> false;
      default -> throw new TypeConversionException(value + " (expected: true or false)");
    };
  }

  /** Reads a level of verbosity: a number, or a switch that means 1 or 0. */
  static final class Verbosity implements ITypeConverter<Integer> {
    @Override
    public Integer convert(String value) {
      if (value.chars().allMatch(Character::isDigit) && value.length() < 4) {
        return Integer.valueOf(value);
      }
      return new OnOff().convert(value) ? 1 : 0;
    }
  }
}
