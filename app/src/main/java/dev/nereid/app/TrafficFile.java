package dev.nereid.app;

import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import org.snakeyaml.engine.v2.api.Load;

/**
 * Reads plans for the gateway's traffic from a YAML file: one map, whose keys are models, and whose
 * values are what {@code PUT /traffic/MODEL} takes.
 */
final class TrafficFile {
  private TrafficFile() {}

  /**
   * The plans of a file, by model.
   *
   * @throws Mishap when it cannot be read or is no such map
   */
  static Map<String, Object> read(Path file) {
    Object root =
        YamlFile.read("--traffic", file, (yaml, reader) -> new Load(yaml).loadFromReader(reader));
    if (!(root instanceof Map<?, ?> map)) {
      throw new Mishap(file + ": expected MODEL: {...} entries");
    }
    Map<String, Object> plans = new LinkedHashMap<>();
    map.forEach(
        (model, plan) -> {
          if (!(model instanceof String name) || plan == null) {
            throw new Mishap(file + ": '" + model + "': expected a model's name and its plan");
          }
          plans.put(name, plan);
        });
    return plans;
  }
}
