package dev.nereid.server;

/**
 * Who may call what over one protocol, and which headers of a call its model gets.
 *
 * @param restrictions the parts that need a key
 * @param forwarding the headers that become parameters
 */
public record Access(Restrictions restrictions, HeaderForwarding forwarding) {
  /** Everything is for everybody; no header becomes a parameter. */
  public static final Access OPEN = new Access(Restrictions.NONE, HeaderForwarding.NONE);
}
