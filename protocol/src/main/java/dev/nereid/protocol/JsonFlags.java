package dev.nereid.protocol;

import dev.nereid.core.Fault;
import dev.nereid.core.FaultException;
import java.nio.ByteBuffer;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.Map;

/** The optional bodies of control calls: an object with a switch or some parameters. Stateless. */
public final class JsonFlags {
  private JsonFlags() {}

  /**
   * The value of a boolean member; false when the body is empty or lacks it.
   *
   * @param body little-endian
   * @throws FaultException when the body is no object or the member no boolean
   */
  public static boolean read(ByteBuffer body, String name) {
    JsonCursor cursor = new JsonCursor(body.slice().order(body.order()), new NameCache());
    boolean value = false;
    if (cursor.peek() == 0 && cursor.remaining() == 0) {
      return false;
    }
    for (boolean more = cursor.enter('{', '}'); more; more = cursor.more('}')) {
      if (!cursor.key().equals(name)) {
        cursor.skipValue();
      } else if (cursor.scalar() instanceof Boolean flag) {
        value = flag;
      } else {
        throw FaultException.of(
            Fault.INVALID_ARGUMENT, "Invalid value for '" + name + "': expected a boolean");
      }
    }
    cursor.requireEnd();
    return value;
  }

  /**
   * The members of the object {@code parameters}, each a String, Boolean, Long or Double; empty
   * when the body is empty or lacks it.
   *
   * @param body little-endian
   * @throws FaultException when the body is no object, or a parameter is none of these
   */
  public static Map<String, Object> parameters(ByteBuffer body) {
    JsonCursor cursor = new JsonCursor(body.slice().order(body.order()), new NameCache());
    Map<String, Object> parameters = new LinkedHashMap<>();
    if (cursor.peek() == 0 && cursor.remaining() == 0) {
      return parameters;
    }
    for (boolean more = cursor.enter('{', '}'); more; more = cursor.more('}')) {
      if (!cursor.key().equals("parameters")) {
        cursor.skipValue();
        continue;
      }
      putScalars(
          cursor,
          parameters,
          "Invalid value for parameter '%s': expected a string, number or boolean");
    }
    cursor.requireEnd();
    return parameters;
  }

  /**
   * The members of an object that has nothing but strings, numbers and booleans in it; none when
   * the body is empty.
   *
   * @param body little-endian
   * @throws FaultException when the body is no such object
   */
  public static Map<String, Object> scalars(ByteBuffer body) {
    JsonCursor cursor = new JsonCursor(body.slice().order(body.order()), new NameCache());
    Map<String, Object> members = new HashMap<>();
    if (cursor.peek() == 0 && cursor.remaining() == 0) {
      return members;
    }
    putScalars(cursor, members, "Invalid value for '%s': expected a string, a number or a boolean");
    cursor.requireEnd();
    return members;
  }

  /** Reads an object of strings, numbers and booleans. */
  private static void putScalars(JsonCursor cursor, Map<String, Object> members, String complaint) {
    for (boolean more = cursor.enter('{', '}'); more; more = cursor.more('}')) {
      String name = cursor.key();
      Object value = cursor.scalar();
      if (value == null) {
        throw new FaultException(Fault.INVALID_ARGUMENT.with(complaint.formatted(name)));
      }
      members.put(name, value);
    }
  }
}
