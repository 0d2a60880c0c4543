package dev.nereid.gateway;

import dev.nereid.client.Endpoint;
import org.jspecify.annotations.Nullable;

/**
 * One of the ways that a model's requests may go.
 *
 * @param name in answers, metrics and calls
 * @param model that is asked
 * @param version of it; -1 for the one that its policy chooses
 * @param upstream the remote server that is asked; null for any
 * @param weight its share is this over the sum of all
 */
record TrafficArm(
    String name, String model, long version, @Nullable Endpoint upstream, double weight) {
  private static final int LONGEST = 64;

  TrafficArm {
    if (!isName(name)) {
      throw new IllegalArgumentException(
          "traffic: arm '" + name + "' (expected: letters, digits, '.', '-' and '_')");
    }
    if (model.isEmpty()) {
      throw new IllegalArgumentException("traffic: arm '" + name + "' has no model");
    }
    if (!(weight >= 0 && weight <= 1e6)) {
      throw new IllegalArgumentException(
          "traffic: weight of '" + name + "': " + weight + " (expected: 0 to 1000000)");
    }
    if (version == 0 || version < -1) {
      throw new IllegalArgumentException(
          "traffic: version of '" + name + "': " + version + " (expected: >= 1)");
    }
  }

  private static boolean isName(String name) {
    return !name.isEmpty()
        && name.length() <= LONGEST
        && name.chars()
            .allMatch(
                c -> (c < 128 && Character.isLetterOrDigit(c)) || c == '.' || c == '-' || c == '_');
  }

  TrafficArm weighing(double other) {
    return new TrafficArm(name, model, version, upstream, other);
  }
}
