package dev.nereid.backend.image;

import dev.nereid.core.Fault;
import dev.nereid.core.FaultException;
import java.util.Map;

/** Parameters that a caller sends with one request. */
final class CallParameters {
  private CallParameters() {}

  /**
   * A number of 0 to 1, given as a number or as text.
   *
   * @throws FaultException when it is anything else
   */
  static float share(Map<String, Object> parameters, String name, float otherwise) {
    Object value = parameters.get(name);
    if (value == null) {
      return otherwise;
    }
    double number =
        switch (value) {
          case Number given -> given.doubleValue();
          case String text -> parse(text);
          default -> Double.NaN;
        };
    if (number >= 0 && number <= 1) {
      return (float) number;
    }
    throw FaultException.of(
        Fault.INVALID_ARGUMENT, "parameter '" + name + "': " + value + " (expected: 0 to 1)");
  }

  private static double parse(String text) {
    try {
      return Double.parseDouble(text);
    } catch (NumberFormatException _) {
      return Double.NaN;
    }
  }
}
