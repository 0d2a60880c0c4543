package dev.nereid.config;

import com.google.protobuf.Descriptors.Descriptor;
import com.google.protobuf.Descriptors.EnumValueDescriptor;
import com.google.protobuf.Descriptors.FieldDescriptor;
import dev.nereid.config.proto.ModelConfig;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Queue;
import java.util.TreeMap;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/** What the schema of a configuration knows, in the words that error messages use. */
final class ConfigSchema {
  private static final int HOMES_NAMED = 3;

  /** So few letters apart, a name is taken for a slip even if it means something elsewhere. */
  private static final int SLIP = 2;

  /** Field name to the paths of the blocks that have such a field; shallow ones first. */
  private static final Map<String, List<String>> HOMES = homes();

  private ConfigSchema() {}

  private record Block(String path, Descriptor type) {}

  private static Map<String, List<String>> homes() {
    Map<String, List<String>> homes = new TreeMap<>();
    Queue<Block> open = new ArrayDeque<>();
    open.add(new Block("", ModelConfig.getDescriptor()));
    for (Block block = open.poll(); block != null; block = open.poll()) {
      for (FieldDescriptor field : block.type.getFields()) {
        if (!block.type.getOptions().getMapEntry()) {
          homes.computeIfAbsent(field.getName(), _ -> new ArrayList<>()).add(block.path);
        }
        if (field.getJavaType() == FieldDescriptor.JavaType.MESSAGE) {
          String dot = block.path.isEmpty() ? "" : ".";
          open.add(new Block(block.path + dot + field.getName(), field.getMessageType()));
        }
      }
    }
    return homes;
  }

  /** The type of the block at a path of field names, or null when there is no such block. */
  static @Nullable Descriptor block(List<String> path) {
    Descriptor type = ModelConfig.getDescriptor();
    for (String name : path) {
      FieldDescriptor field = type.findFieldByName(name);
      if (field == null || field.getJavaType() != FieldDescriptor.JavaType.MESSAGE) {
        return null;
      }
      type = field.getMessageType();
    }
    return type;
  }

  /** A sentence about a field that its block does not have: the right place, or the right name. */
  static String unknownField(String name, String blockPath, Descriptor block) {
    String where = blockPath.isEmpty() ? "the top level" : "'" + blockPath + "'";
    StringBuilder text = new StringBuilder("'" + name + "' is not a field of " + where + "; ");
    List<String> known = block.getFields().stream().map(FieldDescriptor::getName).toList();
    String near = nearest(name, known);
    List<String> homes = HOMES.get(name);
    if (near != null && (homes == null || distance(name, near) <= SLIP)) {
      text.append("did you mean '").append(near).append("'?");
    } else if (homes != null) {
      text.append("it belongs ").append(places(homes));
    } else {
      text.append("expected one of ").append(String.join(", ", known));
    }
    return text.toString();
  }

  private static String places(List<String> homes) {
    String places =
        homes.stream()
            .limit(HOMES_NAMED)
            .map(p -> p.isEmpty() ? "at the top level of the file" : "in '" + p + "'")
            .collect(Collectors.joining(" or "));
    return homes.size() > HOMES_NAMED ? places + " or elsewhere" : places;
  }

  /** What a field takes, in words. */
  static String expectation(FieldDescriptor field) {
    return switch (field.getType()) {
      case INT32, SINT32, SFIXED32 -> "a whole number";
      case UINT32, FIXED32, UINT64, FIXED64 -> "a whole number, not negative";
      case INT64, SINT64, SFIXED64 -> "a whole number";
      case FLOAT, DOUBLE -> "a number";
      case BOOL -> "true or false";
      case STRING, BYTES -> "a text in quotes";
      case ENUM ->
          "one of "
              + field.getEnumType().getValues().stream()
                  .map(EnumValueDescriptor::getName)
                  .filter(name -> !name.equals("TYPE_INVALID"))
                  .collect(Collectors.joining(", "));
      case MESSAGE, GROUP ->
          "a block { } with "
              + field.getMessageType().getFields().stream()
                  .map(FieldDescriptor::getName)
                  .collect(Collectors.joining(", "));
    };
  }

  /** The known name that the wrong one is most likely a slip of, or null. */
  static @Nullable String nearest(String wrong, Collection<String> known) {
    int least = Math.max(1, (wrong.length() + 1) / 3) + 1;
    String nearest = null;
    String lower = wrong.toLowerCase(Locale.ROOT);
    for (String name : known) {
      int distance = distance(lower, name.toLowerCase(Locale.ROOT));
      if (distance < least) {
        least = distance;
        nearest = name;
      }
    }
    return nearest;
  }

  /** How many letters have to be put in, taken out or replaced. */
  static int distance(String from, String to) {
    int[] above = new int[to.length() + 1];
    for (int j = 0; j <= to.length(); j++) {
      above[j] = j;
    }
    for (int i = 1; i <= from.length(); i++) {
      int diagonal = above[0];
      above[0] = i;
      for (int j = 1; j <= to.length(); j++) {
        int replaced = diagonal + (from.charAt(i - 1) == to.charAt(j - 1) ? 0 : 1);
        diagonal = above[j];
        above[j] = Math.min(replaced, 1 + Math.min(above[j], above[j - 1]));
      }
    }
    return above[to.length()];
  }
}
