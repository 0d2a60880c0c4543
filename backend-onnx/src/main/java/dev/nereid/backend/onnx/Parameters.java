package dev.nereid.backend.onnx;

import dev.nereid.config.proto.ModelConfig;
import dev.nereid.config.proto.ModelParameter;
import dev.nereid.core.Fault;
import dev.nereid.core.FaultException;
import java.util.Map;

/** The back end's parameters: a model's own, else those that the server was started with. */
record Parameters(ModelConfig config, Map<String, String> options) {

  /** A parameter's text; empty when there is none. */
  String text(String key) {
    ModelParameter own = config.getParametersMap().get(key);
    return own == null ? options.getOrDefault(key, "") : own.getStringValue();
  }

  /** A parameter's value from 0 to the greatest; the default when there is none. */
  int number(String key, int absent, int greatest) {
    String text = text(key).strip();
    if (text.isEmpty()) {
      return absent;
    }
    try {
      int value = Integer.parseInt(text);
      if (value >= 0 && value <= greatest) {
        return value;
      }
    } catch (NumberFormatException e) {
      throw new FaultException(wrong(key, text, greatest).failure(), e);
    }
    throw wrong(key, text, greatest);
  }

  private FaultException wrong(String key, String text, int greatest) {
    return FaultException.of(
        Fault.INVALID_ARGUMENT,
        "model '%s', parameters.%s: '%s' (expected: a whole number from 0%s)"
            .formatted(
                config.getName(),
                key,
                text,
                greatest == Integer.MAX_VALUE ? "" : " to " + greatest));
  }
}
