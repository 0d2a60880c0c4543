package dev.nereid.server;

import dev.nereid.access.AccessControl;
import org.jspecify.annotations.Nullable;

/**
 * Who may call what over one protocol, and which headers of a call its model gets.
 *
 * @param restrictions the parts that need a key
 * @param forwarding the headers that become parameters
 * @param callers who may call over gRPC; null for everybody, and over HTTP, whose listener asks
 */
public record Access(
    Restrictions restrictions, HeaderForwarding forwarding, @Nullable AccessControl callers) {
  /** Everything is for everybody; no header becomes a parameter. */
  public static final Access OPEN = new Access(Restrictions.NONE, HeaderForwarding.NONE);

  /** Access for every caller. */
  public Access(Restrictions restrictions, HeaderForwarding forwarding) {
    this(restrictions, forwarding, null);
  }

  /** The same access for those alone whom this admits; null for everybody. */
  public Access by(@Nullable AccessControl other) {
    return new Access(restrictions, forwarding, other);
  }
}
