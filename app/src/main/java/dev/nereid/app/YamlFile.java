package dev.nereid.app;

import dev.nereid.access.YamlNesting;
import java.io.IOException;
import java.io.Reader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.function.BiFunction;
import org.snakeyaml.engine.v2.api.LoadSettings;
import org.snakeyaml.engine.v2.exceptions.MarkedYamlEngineException;
import org.snakeyaml.engine.v2.exceptions.YamlEngineException;

/** Reads YAML files that options name; what is wrong with one is told with file and line. */
final class YamlFile {
  /** More than every option there is, a hundred times over. */
  private static final int MOST_CHARACTERS = 1 << 20;

  private YamlFile() {}

  /**
   * What a file holds, as the parser gives it.
   *
   * @param option that names the file
   * @throws Mishap when it cannot be read, or is no YAML
   */
  static <T> T read(String option, Path file, BiFunction<LoadSettings, Reader, T> parser) {
    LoadSettings yaml =
        LoadSettings.builder()
            .setLabel(file.toString())
            .setCodePointLimit(MOST_CHARACTERS)
            .setMaxAliasesForCollections(0)
            .build();
    try (Reader looked = Files.newBufferedReader(file, StandardCharsets.UTF_8);
        Reader reader = Files.newBufferedReader(file, StandardCharsets.UTF_8)) {
      int tooDeep = YamlNesting.tooDeep(yaml, looked);
      if (tooDeep > 0) {
        throw new Mishap(file + ":" + tooDeep + ": nested too deeply");
      }
      return parser.apply(yaml, reader);
    } catch (NoSuchFileException e) {
      throw new Mishap(option + ": " + file + ": no such file");
    } catch (IOException e) {
      throw new Mishap(option + ": " + file + ": cannot be read: " + e.getMessage());
    } catch (MarkedYamlEngineException e) {
      String line = e.getProblemMark().map(mark -> ":" + (mark.getLine() + 1)).orElse("");
      throw new Mishap(file + line + ": " + e.getProblem());
    } catch (YamlEngineException e) {
      throw new Mishap(file + ": " + e.getMessage());
    }
  }
}
