package dev.nereid.backend.image;

import dev.nereid.config.proto.ModelConfig;
import dev.nereid.core.Fault;
import dev.nereid.core.FaultException;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * The parameters of a configuration, read by type. It remembers what was asked for, so that a
 * misspelt name is an error and not a silent default.
 *
 * <p><b>Threading.</b> For one thread.
 */
final class Parameters {
  private final String model;
  private final Map<String, String> values = new TreeMap<>();
  private final TreeSet<String> known = new TreeSet<>();

  Parameters(ModelConfig config) {
    model = config.getName();
    config
        .getParametersMap()
        .forEach((key, value) -> values.put(key, value.getStringValue().strip()));
  }

  @Nullable String text(String key) {
    known.add(key);
    return values.get(key);
  }

  /**
   * One of an enum's constants, written in lower case.
   *
   * @param otherwise when there is none; null when there must be one
   */
  <E extends Enum<E>> E choice(String key, E[] choices, @Nullable E otherwise) {
    String text = text(key);
    if (text == null && otherwise != null) {
      return otherwise;
    }
    for (E choice : choices) {
      if (lower(choice).equals(text)) {
        return choice;
      }
    }
    String expected =
        Arrays.stream(choices).map(Parameters::lower).collect(Collectors.joining(", "));
    throw wrong(key, text, "one of " + expected);
  }

  private static String lower(Enum<?> constant) {
    return constant.name().toLowerCase(Locale.ROOT);
  }

  boolean flag(String key, boolean otherwise) {
    String text = text(key);
    if (text == null) {
      return otherwise;
    }
    return switch (text) {
      case "true", "1" -> true;
      case "false", "0" -> false;
      default -> throw wrong(key, text, "true or false");
    };
  }

  long whole(String key, long otherwise, long least, long most) {
    String text = text(key);
    if (text == null) {
      return otherwise;
    }
    try {
      long value = Long.parseLong(text);
      if (value >= least && value <= most) {
        return value;
      }
    } catch (NumberFormatException _) {
      // told below
    }
    throw wrong(key, text, "a whole number, " + least + " to " + most);
  }

  int whole(String key, int otherwise, int least) {
    return (int) whole(key, otherwise, least, Integer.MAX_VALUE);
  }

  /** A number, which may be written as a quotient such as {@code 1/255}. */
  double number(String key, double otherwise) {
    String text = text(key);
    return text == null ? otherwise : parse(key, text, text);
  }

  float share(String key, float otherwise) {
    double value = number(key, otherwise);
    if (value >= 0 && value <= 1) {
      return (float) value;
    }
    throw wrong(key, text(key), "0 to 1");
  }

  /** Numbers with commas between, as many as asked for; or one for all. */
  List<Double> numbers(String key, int count, double otherwise) {
    String text = text(key);
    if (text == null) {
      return java.util.Collections.nCopies(count, otherwise);
    }
    List<Double> numbers =
        Arrays.stream(text.replaceAll("[\\[\\]]", "").split(",", -1))
            .map(part -> parse(key, text, part.strip()))
            .toList();
    if (numbers.size() == 1) {
      return java.util.Collections.nCopies(count, numbers.getFirst());
    }
    if (numbers.size() != count) {
      throw wrong(key, text, "one number or " + count);
    }
    return numbers;
  }

  private double parse(String key, String whole, String part) {
    int slash = part.indexOf('/');
    try {
      double value =
          slash < 0
              ? Double.parseDouble(part)
              : Double.parseDouble(part.substring(0, slash))
                  / Double.parseDouble(part.substring(slash + 1));
      if (Double.isFinite(value)) {
        return value;
      }
    } catch (NumberFormatException _) {
      // told below
    }
    throw wrong(key, whole, "numbers such as 0.5 or 1/255");
  }

  /** Refuses a parameter that nothing has asked for. */
  void requireAllKnown() {
    for (Map.Entry<String, String> entry : values.entrySet()) {
      if (!known.contains(entry.getKey())) {
        throw wrong(entry.getKey(), entry.getValue(), "a parameter of this step: " + known);
      }
    }
  }

  FaultException wrong(String key, @Nullable String value, String expected) {
    return refusal(
        "parameters '" + key + "': " + (value == null ? "none" : "'" + value + "'"), expected);
  }

  /** A configuration that this back end cannot serve. */
  FaultException refusal(String what, String expected) {
    return FaultException.of(
        Fault.INVALID_ARGUMENT,
        "model '" + model + "', backend image: " + what + " (expected: " + expected + ")");
  }
}
