package dev.nereid.bench;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.ObjectMapper;
import tools.jackson.databind.node.ObjectNode;

/**
 * Results of a long comparison, a line of JSON each, written as they come: what was interrupted is
 * taken up where it ended. Not thread-safe.
 */
final class CellStore {
  private static final ObjectMapper MAPPER = new ObjectMapper();

  private final @Nullable Path file;
  private final Map<String, JsonNode> cells = new LinkedHashMap<>();

  /**
   * Reads what is there.
   *
   * @param file null to keep nothing
   */
  CellStore(@Nullable Path file) throws IOException {
    this.file = file;
    if (file != null && Files.exists(file)) {
      for (String line : Files.readAllLines(file)) {
        try {
          JsonNode cell = MAPPER.readTree(line);
          cells.put(cell.path("cell").asString(""), cell);
        } catch (JacksonException e) {
          // The line that was being written when the last run was killed.
        }
      }
    }
  }

  static ObjectNode newCell(String id) {
    return MAPPER.createObjectNode().put("cell", id);
  }

  boolean has(String id) {
    return cells.containsKey(id);
  }

  void add(ObjectNode cell) throws IOException {
    cells.put(cell.path("cell").asString(""), cell);
    if (file != null) {
      Files.writeString(
          file,
          MAPPER.writeValueAsString(cell) + "\n",
          StandardOpenOption.CREATE,
          StandardOpenOption.APPEND);
    }
  }

  /** All, by id, in the order in which they were measured. */
  Map<String, JsonNode> cells() {
    return cells;
  }
}
