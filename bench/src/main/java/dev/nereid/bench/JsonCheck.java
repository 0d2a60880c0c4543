package dev.nereid.bench;

import dev.nereid.client.RawReply;
import java.nio.charset.StandardCharsets;
import java.util.Locale;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.atomic.AtomicReferenceArray;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.ObjectMapper;
import tools.jackson.databind.node.StringNode;

/**
 * Compares JSON replies: same structure, numbers that differ little, members of time left out. What
 * is not JSON must be the same text.
 */
final class JsonCheck implements ReplyCheck {
  private static final double RELATIVE = 1e-3;
  private static final double ABSOLUTE = 1e-3;
  private static final ObjectMapper MAPPER = new ObjectMapper();

  private final AtomicReferenceArray<JsonNode> expected;

  JsonCheck(int variants) {
    expected = new AtomicReferenceArray<>(variants);
  }

  @Override
  public void learn(int variant, RawReply reply) {
    expected.set(variant, read(reply));
  }

  @Override
  public boolean matches(int variant, RawReply reply) {
    return same(expected.get(variant), read(reply));
  }

  /** The JSON, or where it is none, all of it as one text. */
  private static JsonNode read(RawReply reply) {
    String text = reply.body().toString(StandardCharsets.UTF_8);
    try {
      return MAPPER.readTree(text);
    } catch (JacksonException e) {
      return StringNode.valueOf(text);
    }
  }

  static boolean same(JsonNode right, JsonNode got) {
    if (right.isNumber() && got.isNumber()) {
      double a = right.doubleValue();
      return Math.abs(a - got.doubleValue()) <= ABSOLUTE + RELATIVE * Math.abs(a);
    }
    if (right.isObject() && got.isObject()) {
      return sameMembers(right, got);
    }
    if (right.isArray() && got.isArray()) {
      boolean equal = right.size() == got.size();
      for (int i = 0; equal && i < right.size(); i++) {
        equal = same(right.path(i), got.path(i));
      }
      return equal;
    }
    return right.equals(got);
  }

  private static boolean sameMembers(JsonNode right, JsonNode got) {
    Set<String> names = new TreeSet<>(right.propertyNames());
    names.addAll(got.propertyNames());
    for (String name : names) {
      if (!isOfOneCall(name) && !same(right.path(name), got.path(name))) {
        return false;
      }
    }
    return true;
  }

  /** Whether a member tells of the call itself, so that it differs every time. */
  private static boolean isOfOneCall(String name) {
    String lower = name.toLowerCase(Locale.ROOT);
    return lower.endsWith("_ms")
        || lower.endsWith("_us")
        || lower.contains("time")
        || lower.equals("id")
        || lower.equals("request_id");
  }
}
