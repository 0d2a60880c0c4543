package dev.nereid.app;

import java.io.IOException;
import java.io.Reader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import org.snakeyaml.engine.v2.api.Load;
import org.snakeyaml.engine.v2.api.LoadSettings;
import org.snakeyaml.engine.v2.exceptions.MarkedYamlEngineException;
import org.snakeyaml.engine.v2.exceptions.YamlEngineException;

/**
 * Reads plans for the gateway's traffic from a YAML file: one map, whose keys are models, and whose
 * values are what {@code PUT /traffic/MODEL} takes.
 */
final class TrafficFile {
  private static final int MOST_CHARACTERS = 1 << 20;

  private TrafficFile() {}

  /**
   * The plans of a file, by model.
   *
   * @throws Mishap when it cannot be read or is no such map
   */
  static Map<String, Object> read(Path file) {
    LoadSettings yaml =
        LoadSettings.builder()
            .setLabel(file.toString())
            .setCodePointLimit(MOST_CHARACTERS)
            .setMaxAliasesForCollections(0)
            .build();
    Object root;
    try (Reader reader = Files.newBufferedReader(file, StandardCharsets.UTF_8)) {
      root = new Load(yaml).loadFromReader(reader);
    } catch (NoSuchFileException e) {
      throw new Mishap("--traffic: " + file + ": no such file");
    } catch (IOException e) {
      throw new Mishap("--traffic: " + file + ": cannot be read: " + e.getMessage());
    } catch (MarkedYamlEngineException e) {
      String line = e.getProblemMark().map(mark -> ":" + (mark.getLine() + 1)).orElse("");
      throw new Mishap(file + line + ": " + e.getProblem());
    } catch (YamlEngineException e) {
      throw new Mishap(file + ": " + e.getMessage());
    }
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
