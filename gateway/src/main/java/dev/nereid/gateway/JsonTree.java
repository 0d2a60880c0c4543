package dev.nereid.gateway;

import dev.nereid.core.Fault;
import dev.nereid.core.FaultException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.core.JsonParser;
import tools.jackson.core.JsonToken;
import tools.jackson.core.ObjectReadContext;

/** Reads small JSON texts into maps, lists, texts and numbers. */
final class JsonTree {
  private static final int DEEPEST = 8;

  private JsonTree() {}

  /**
   * What a text says.
   *
   * @throws FaultException when it is no JSON, or too deep
   */
  static Object read(byte[] text) {
    try (JsonParser json = JsonReply.FACTORY.createParser(ObjectReadContext.empty(), text)) {
      Object value = value(json, json.nextToken(), 0);
      if (value == null || json.nextToken() != null) {
        throw FaultException.of(Fault.INVALID_ARGUMENT, "JSON (expected: one object)");
      }
      return value;
    } catch (JacksonException e) {
      throw FaultException.of(Fault.INVALID_ARGUMENT, "JSON: " + e.getOriginalMessage());
    }
  }

  private static @Nullable Object value(JsonParser json, @Nullable JsonToken token, int depth) {
    if (depth > DEEPEST) {
      throw FaultException.of(
          Fault.INVALID_ARGUMENT, "JSON: nested (expected: at most " + DEEPEST + " deep)");
    }
    return switch (token) {
      case START_OBJECT -> {
        Map<String, @Nullable Object> members = new LinkedHashMap<>();
        while (json.nextToken() == JsonToken.PROPERTY_NAME) {
          String name = json.currentName();
          members.put(name, value(json, json.nextToken(), depth + 1));
        }
        yield members;
      }
      case START_ARRAY -> {
        List<@Nullable Object> entries = new ArrayList<>();
        for (JsonToken each = json.nextToken();
            each != JsonToken.END_ARRAY;
            each = json.nextToken()) {
          entries.add(value(json, each, depth + 1));
        }
        yield entries;
      }
      case VALUE_STRING -> json.getString();
      case VALUE_NUMBER_INT, VALUE_NUMBER_FLOAT -> json.getDoubleValue();
      case VALUE_TRUE -> true;
      case VALUE_FALSE -> false;
      case null, default -> null;
    };
  }
}
