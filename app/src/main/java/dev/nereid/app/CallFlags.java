package dev.nereid.app;

import dev.nereid.server.Access;
import dev.nereid.server.HeaderForwarding;
import dev.nereid.server.Restrictions;
import java.util.List;

/** Reads who may call what, as the flags of HTTP and gRPC say it alike. */
final class CallFlags {
  private CallFlags() {}

  /** What two flags said, whose names are for the message when they said it wrongly. */
  static Access access(
      String restrictedFlag, List<String> restricted, String forwardFlag, String pattern) {
    Restrictions restrictions;
    try {
      restrictions = Restrictions.parse(restricted);
    } catch (IllegalArgumentException e) {
      throw new Mishap(restrictedFlag + ": " + e.getMessage());
    }
    try {
      return new Access(restrictions, HeaderForwarding.matching(pattern));
    } catch (IllegalArgumentException e) {
      throw new Mishap(forwardFlag + ": " + e.getMessage());
    }
  }
}
