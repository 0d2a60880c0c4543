package dev.nereid.server;

import java.util.List;

/**
 * What the server says of itself.
 *
 * @param name the value of {@code --id}
 * @param version its release
 */
public record ServerIdentity(String name, String version) {
  /** The v2 extensions that are served, in the order that clients know. */
  static final List<String> EXTENSIONS =
      List.of(
          "classification",
          "model_repository",
          "model_repository(unload_dependents)",
          "schedule_policy",
          "model_configuration",
          "binary_tensor_data",
          "parameters",
          "statistics",
          "logging");

  public ServerIdentity {
    if (name.isBlank() || version.isBlank()) {
      throw new IllegalArgumentException(
          "server identity: '" + name + "', '" + version + "' (expected: not blank)");
    }
  }
}
