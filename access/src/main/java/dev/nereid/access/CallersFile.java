package dev.nereid.access;

import java.io.ByteArrayInputStream;
import java.io.Reader;
import java.time.Instant;
import java.time.LocalDate;
import java.time.ZoneOffset;
import java.time.format.DateTimeParseException;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import javax.security.auth.x500.X500Principal;
import org.jspecify.annotations.Nullable;
import org.snakeyaml.engine.v2.api.LoadSettings;
import org.snakeyaml.engine.v2.api.YamlUnicodeReader;
import org.snakeyaml.engine.v2.api.lowlevel.Compose;
import org.snakeyaml.engine.v2.exceptions.MarkedYamlEngineException;
import org.snakeyaml.engine.v2.exceptions.YamlEngineException;
import org.snakeyaml.engine.v2.nodes.MappingNode;
import org.snakeyaml.engine.v2.nodes.Node;
import org.snakeyaml.engine.v2.nodes.NodeTuple;
import org.snakeyaml.engine.v2.nodes.ScalarNode;
import org.snakeyaml.engine.v2.nodes.SequenceNode;

/**
 * Reads callers from YAML: one map, whose keys are their names. Messages tell the line and the key,
 * never a value that might be a secret.
 */
final class CallersFile {
  private static final int MOST_CHARACTERS = 4 << 20;
  private static final String SETTINGS =
      "roles, keys, subjects, tokens, expires, rate, burst or concurrency";

  private CallersFile() {}

  /**
   * The callers of a file.
   *
   * @throws IllegalArgumentException when it is none; the message begins with the line
   */
  static List<CallerEntry> parse(byte[] content) {
    LoadSettings yaml =
        LoadSettings.builder()
            .setCodePointLimit(MOST_CHARACTERS)
            .setMaxAliasesForCollections(0)
            .build();
    Optional<Node> root;
    try {
      int tooDeep = YamlNesting.tooDeep(yaml, reader(content));
      if (tooDeep > 0) {
        throw new IllegalArgumentException("line " + tooDeep + ": nested too deeply");
      }
      root = new Compose(yaml).composeReader(reader(content));
    } catch (MarkedYamlEngineException e) {
      int line = e.getProblemMark().map(mark -> mark.getLine() + 1).orElse(1);
      throw new IllegalArgumentException("line " + line + ": not YAML", e);
    } catch (YamlEngineException e) {
      throw new IllegalArgumentException("line 1: not YAML", e);
    }
    List<CallerEntry> entries = new ArrayList<>();
    if (root.isEmpty()) {
      return entries;
    }
    Set<String> names = new HashSet<>();
    for (NodeTuple tuple : map(root.get(), "callers").getValue()) {
      String name = text(tuple.getKeyNode(), "a name");
      if (!names.add(name)) {
        throw wrong(tuple.getKeyNode(), name + ": named twice (expected: once)");
      }
      entries.add(entry(name, tuple));
    }
    return entries;
  }

  private static Reader reader(byte[] content) {
    return new YamlUnicodeReader(new ByteArrayInputStream(content));
  }

  private static CallerEntry entry(String name, NodeTuple tuple) {
    Draft draft = new Draft();
    Set<String> seen = new HashSet<>();
    for (NodeTuple setting : map(tuple.getValueNode(), "the settings of a caller").getValue()) {
      String key = text(setting.getKeyNode(), "a setting");
      if (!seen.add(key)) {
        throw wrong(setting.getKeyNode(), key + ": set twice (expected: once)");
      }
      draft.set(key, setting);
    }
    try {
      return draft.entry(name);
    } catch (IllegalArgumentException e) {
      throw wrong(tuple.getKeyNode(), String.valueOf(e.getMessage()));
    }
  }

  /** What is known of a caller while its settings are read. */
  private static final class Draft {
    private final EnumSet<Role> roles = EnumSet.noneOf(Role.class);
    private final List<String> keys = new ArrayList<>();
    private final List<X500Principal> subjects = new ArrayList<>();
    private final List<String> tokens = new ArrayList<>();
    private @Nullable Instant expires;
    private @Nullable Double rate;
    private @Nullable Integer burst;
    private @Nullable Integer concurrency;

    void set(String key, NodeTuple setting) {
      Node value = setting.getValueNode();
      switch (key) {
        case "roles" -> values(value, key).forEach(one -> roles.add(role(value, one)));
        case "keys" -> values(value, key).forEach(one -> keys.add(digest(value, one)));
        case "subjects" -> values(value, key).forEach(one -> subjects.add(subject(value, one)));
        case "tokens" -> tokens.addAll(values(value, key));
        case "expires" -> expires = instant(value, text(value, key));
        case "rate" -> rate = number(value, key);
        case "burst" -> burst = (int) number(value, key);
        case "concurrency" -> concurrency = (int) number(value, key);
        default ->
            throw wrong(setting.getKeyNode(), "unknown setting (expected: " + SETTINGS + ")");
      }
    }

    CallerEntry entry(String name) {
      boolean limited = rate != null || burst != null || concurrency != null;
      return new CallerEntry(
          name, roles, limited ? limits() : null, expires, keys, subjects, tokens);
    }

    /** A burst of a second where none is said. */
    private CallerLimits limits() {
      double perSecond = rate == null ? 0 : rate;
      int usual = (int) Math.max(1, Math.ceil(perSecond));
      return new CallerLimits(
          perSecond, burst == null ? usual : burst, concurrency == null ? 0 : concurrency);
    }
  }

  private static Role role(Node node, String typed) {
    Role role = Role.named(typed);
    if (role == null) {
      throw wrong(node, "roles (expected: inference, metrics or administration)");
    }
    return role;
  }

  private static String digest(Node node, String written) {
    try {
      return java.util.HexFormat.of().formatHex(ApiKey.readDigest(written));
    } catch (IllegalArgumentException e) {
      throw wrong(node, String.valueOf(e.getMessage()));
    }
  }

  private static X500Principal subject(Node node, String written) {
    try {
      return new X500Principal(written);
    } catch (IllegalArgumentException e) {
      throw wrong(node, "subjects (expected: names like CN=camera-1,O=Factory)");
    }
  }

  private static Instant instant(Node node, String written) {
    try {
      return written.length() == 10
          ? LocalDate.parse(written).atStartOfDay(ZoneOffset.UTC).toInstant()
          : Instant.parse(written);
    } catch (DateTimeParseException e) {
      throw wrong(node, "expires (expected: 2027-01-31 or 2027-01-31T12:00:00Z)");
    }
  }

  private static double number(Node node, String key) {
    try {
      double value = Double.parseDouble(text(node, key));
      if (value >= 0 && value <= Integer.MAX_VALUE) {
        return value;
      }
    } catch (NumberFormatException e) {
      // told below
    }
    throw wrong(node, key + " (expected: a number, 0 or more)");
  }

  private static List<String> values(Node node, String key) {
    if (!(node instanceof SequenceNode list)) {
      return List.of(text(node, key));
    }
    return list.getValue().stream().map(item -> text(item, key)).toList();
  }

  private static MappingNode map(Node node, String what) {
    if (node instanceof MappingNode map) {
      return map;
    }
    throw wrong(node, what + " (expected: NAME: VALUE lines)");
  }

  private static String text(Node node, String key) {
    if (node instanceof ScalarNode scalar && !scalar.getValue().isBlank()) {
      return scalar.getValue().strip();
    }
    throw wrong(node, key + " (expected: a value, or a list of values)");
  }

  private static IllegalArgumentException wrong(Node node, String what) {
    int line = node.getStartMark().map(mark -> mark.getLine() + 1).orElse(1);
    return new IllegalArgumentException("line " + line + ": " + what);
  }
}
