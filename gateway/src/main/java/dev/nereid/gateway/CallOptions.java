package dev.nereid.gateway;

import dev.nereid.client.Lane;
import dev.nereid.core.Fault;
import dev.nereid.core.FaultException;
import dev.nereid.http.HttpExchange;
import java.util.HashMap;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * What a client asks beside its pictures, in the query, the form or the JSON; the query goes first.
 *
 * @param parameters of the inference: confidence and iou, where given
 * @param maxDetections boxes at most, the best ones
 * @param lane how urgent it is
 */
record CallOptions(Map<String, Object> parameters, int maxDetections, Lane lane) {
  /** Tells the lane where neither query nor form does. */
  private static final String PRIORITY_HEADER = "x-request-priority";

  private static final int MOST_DETECTIONS = 100_000;

  static CallOptions of(HttpExchange exchange, Map<String, String> fields, Lane usual) {
    Map<String, Object> parameters = new HashMap<>();
    putShare(parameters, "confidence", given(exchange, fields, "confidence"));
    putShare(parameters, "iou", given(exchange, fields, "iou"));
    String most = given(exchange, fields, "max_detections");
    String urgency = given(exchange, fields, "priority");
    return new CallOptions(
        parameters,
        most == null ? MOST_DETECTIONS : whole(most),
        lane(urgency == null ? exchange.header(PRIORITY_HEADER) : urgency, usual));
  }

  private static @Nullable String given(
      HttpExchange exchange, Map<String, String> fields, String name) {
    String value = exchange.queryParameter(name);
    return value == null ? fields.get(name) : value;
  }

  private static Lane lane(@Nullable String text, Lane usual) {
    if (text == null) {
      return usual;
    }
    for (Lane lane : Lane.values()) {
      if (lane.label().equals(text.strip().toLowerCase(Locale.ROOT))) {
        return lane;
      }
    }
    throw FaultException.of(
        Fault.INVALID_ARGUMENT, "priority: '" + text + "' (expected: high, normal or batch)");
  }

  private static void putShare(Map<String, Object> parameters, String name, @Nullable String text) {
    if (text == null) {
      return;
    }
    double value;
    try {
      value = Double.parseDouble(text.strip());
    } catch (NumberFormatException e) {
      value = -1;
    }
    if (!(value >= 0 && value <= 1)) {
      throw FaultException.of(Fault.INVALID_ARGUMENT, name + ": '" + text + "' (expected: 0 to 1)");
    }
    parameters.put(name, value);
  }

  private static int whole(String text) {
    int value;
    try {
      value = Integer.parseInt(text.strip());
    } catch (NumberFormatException e) {
      value = -1;
    }
    if (value < 1 || value > MOST_DETECTIONS) {
      throw FaultException.of(
          Fault.INVALID_ARGUMENT,
          "max_detections: '" + text + "' (expected: 1 to " + MOST_DETECTIONS + ")");
    }
    return value;
  }
}
