package dev.nereid.app;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.snakeyaml.engine.v2.api.lowlevel.Compose;
import org.snakeyaml.engine.v2.nodes.MappingNode;
import org.snakeyaml.engine.v2.nodes.Node;
import org.snakeyaml.engine.v2.nodes.NodeTuple;
import org.snakeyaml.engine.v2.nodes.ScalarNode;
import org.snakeyaml.engine.v2.nodes.SequenceNode;

/**
 * Reads options from a YAML file: one map, whose keys are the options' names without dashes, and
 * whose values are what would follow on the command line, or a list where an option may be
 * repeated.
 */
final class SettingsFile {
  private final Path file;

  private SettingsFile(Path file) {
    this.file = file;
  }

  /**
   * The settings of a file, in its order.
   *
   * @throws Mishap when it cannot be read or is no such map, with the line
   */
  static List<Setting> read(Path file) {
    return new SettingsFile(file).settings();
  }

  private List<Setting> settings() {
    Optional<Node> root =
        YamlFile.read("--config", file, (yaml, reader) -> new Compose(yaml).composeReader(reader));
    if (root.isEmpty()) {
      return List.of();
    }
    if (!(root.get() instanceof MappingNode map)) {
      throw new Mishap(origin(root.get()) + ": expected NAME: VALUE lines");
    }
    return settings(map);
  }

  private List<Setting> settings(MappingNode map) {
    List<Setting> settings = new ArrayList<>();
    Set<String> names = new HashSet<>();
    for (NodeTuple entry : map.getValue()) {
      String name = "--" + text(entry.getKeyNode(), "a key");
      String origin = origin(entry.getKeyNode());
      if (!names.add(name)) {
        throw new Mishap(origin + ": " + name.substring(2) + " is set twice");
      }
      if (entry.getValueNode() instanceof SequenceNode list) {
        for (Node item : list.getValue()) {
          settings.add(new Setting(name, text(item, name.substring(2)), origin(item)));
        }
      } else {
        String value = text(entry.getValueNode(), name.substring(2));
        settings.add(new Setting(name, value, origin));
      }
    }
    return settings;
  }

  private String text(Node node, String of) {
    if (node instanceof ScalarNode scalar && !scalar.getValue().isEmpty()) {
      return scalar.getValue();
    }
    if (node instanceof ScalarNode scalar && !scalar.isPlain()) {
      return "";
    }
    throw new Mishap(origin(node) + ": " + of + ": expected one value, or a list of values");
  }

  private String origin(Node node) {
    return file + node.getStartMark().map(mark -> ":" + (mark.getLine() + 1)).orElse("");
  }
}
