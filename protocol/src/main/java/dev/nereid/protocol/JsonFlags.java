package dev.nereid.protocol;

import dev.nereid.core.Fault;
import dev.nereid.core.FaultException;
import java.nio.ByteBuffer;

/** The optional bodies of control calls: an object with a switch or two. Stateless. */
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
}
