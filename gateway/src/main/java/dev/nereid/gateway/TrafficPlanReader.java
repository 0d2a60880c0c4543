package dev.nereid.gateway;

import dev.nereid.client.Endpoint;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Reads plans from what JSON and YAML are made of: maps, lists, texts and numbers. Every complaint
 * is an IllegalArgumentException that names the member.
 */
final class TrafficPlanReader {
  private static final int USUAL_PORT = 8001;
  private static final Set<String> PLAN = Set.of("arms", "sticky", "shadow");
  private static final Set<String> ARM = Set.of("name", "model", "version", "upstream", "weight");
  private static final Set<String> SHADOW =
      Set.of("name", "model", "version", "upstream", "sample", "iou", "cosine");

  private TrafficPlanReader() {}

  /** The plan for a model. */
  static TrafficPlan read(String model, Object plan) {
    Map<?, ?> members = map("plan", plan, PLAN);
    List<TrafficArm> arms = new ArrayList<>();
    if (members.get("arms") == null) {
      arms.add(new TrafficArm(model, model, -1, null, 1));
    } else if (members.get("arms") instanceof List<?> list) {
      list.forEach(arm -> arms.add(arm("arms", model, arm, ARM)));
    } else {
      throw new IllegalArgumentException("traffic: arms (expected: a list)");
    }
    Object shadow = members.get("shadow");
    return new TrafficPlan(
        model,
        arms,
        sticky(text(members, "sticky", "none")),
        shadow == null ? null : shadow(model, shadow));
  }

  private static TrafficPlan.Sticky sticky(String text) {
    return switch (text) {
      case "none" -> TrafficPlan.Sticky.NOTHING;
      case "client" -> new TrafficPlan.Sticky(TrafficPlan.Kind.CLIENT, "");
      case "picture" -> new TrafficPlan.Sticky(TrafficPlan.Kind.PICTURE, "");
      default -> {
        String header = text.startsWith("header:") ? text.substring(7).strip() : "";
        if (header.isEmpty()) {
          throw new IllegalArgumentException(
              "traffic: sticky: '" + text + "' (expected: none, client, picture or header:NAME)");
        }
        yield new TrafficPlan.Sticky(TrafficPlan.Kind.HEADER, header.toLowerCase(Locale.ROOT));
      }
    };
  }

  private static TrafficPlan.Shadow shadow(String model, Object shadow) {
    Map<?, ?> members = map("shadow", shadow, SHADOW);
    return new TrafficPlan.Shadow(
        arm("shadow", model, shadow, SHADOW),
        number(members, "sample", 1),
        number(members, "iou", TrafficPlan.Shadow.OVERLAP),
        number(members, "cosine", TrafficPlan.Shadow.COSINE));
  }

  private static TrafficArm arm(String where, String usualModel, Object arm, Set<String> known) {
    Map<?, ?> members = map(where, arm, known);
    String model = text(members, "model", usualModel);
    double version = number(members, "version", -1);
    if (version != Math.rint(version)) {
      throw new IllegalArgumentException("traffic: version: " + version + " (expected: whole)");
    }
    String upstream = text(members, "upstream", "");
    String usualName = version < 0 ? model : model + "-v" + (long) version;
    return new TrafficArm(
        text(members, "name", usualName),
        model,
        (long) version,
        upstream.isEmpty() ? null : Endpoint.parse(upstream, USUAL_PORT),
        number(members, "weight", 1));
  }

  private static Map<?, ?> map(String where, @Nullable Object value, Set<String> known) {
    if (!(value instanceof Map<?, ?> members)) {
      throw new IllegalArgumentException("traffic: " + where + " (expected: an object)");
    }
    for (Object name : members.keySet()) {
      if (!(name instanceof String text) || !known.contains(text)) {
        throw new IllegalArgumentException(
            "traffic: '" + name + "' (expected: one of " + known.stream().sorted().toList() + ")");
      }
    }
    return members;
  }

  private static String text(Map<?, ?> members, String name, String usual) {
    Object value = members.get(name);
    if (value == null) {
      return usual;
    }
    if (!(value instanceof String text)) {
      throw new IllegalArgumentException("traffic: " + name + " (expected: text)");
    }
    return text;
  }

  private static double number(Map<?, ?> members, String name, double usual) {
    Object value = members.get(name);
    if (value == null) {
      return usual;
    }
    if (!(value instanceof Number number)) {
      throw new IllegalArgumentException("traffic: " + name + " (expected: a number)");
    }
    return number.doubleValue();
  }
}
