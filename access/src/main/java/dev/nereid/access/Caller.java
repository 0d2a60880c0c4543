package dev.nereid.access;

import java.util.EnumSet;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** Somebody whose requests are told from those of others. Thread-safe. */
public final class Caller {
  /** Anybody, where nobody is asked: may do everything, and has no name. */
  public static final Caller EVERYBODY =
      new Caller("", EnumSet.allOf(Role.class), Long.MAX_VALUE, null);

  /** Somebody who has shown nothing that counts: may do nothing, and has no name. */
  public static final Caller STRANGER =
      new Caller("", EnumSet.noneOf(Role.class), Long.MAX_VALUE, null);

  private final String name;
  private final Set<Role> roles;
  private final long expiresMillis;
  private final @Nullable Budget budget;

  /**
   * A caller.
   *
   * @param expiresMillis from when on it is nobody, Unix time
   * @param budget null for no limits
   */
  Caller(String name, Set<Role> roles, long expiresMillis, @Nullable Budget budget) {
    this.name = name;
    this.roles = Set.copyOf(roles);
    this.expiresMillis = expiresMillis;
    this.budget = budget;
  }

  /** The name for logs; empty when nobody was asked. */
  public String name() {
    return name;
  }

  /** Whether the caller has that role. */
  public boolean may(Role role) {
    return roles.contains(role);
  }

  /** A request of this caller that was admitted has ended. Called once for each. */
  public void left() {
    if (budget != null) {
      budget.leave();
    }
  }

  /** The same caller, whose requests count against nothing. */
  Caller unlimited() {
    return budget == null ? this : new Caller(name, roles, expiresMillis, null);
  }

  boolean isExpired(long nowMillis) {
    return nowMillis >= expiresMillis;
  }

  /** Asks for one request more, as {@link Budget#enter} does. */
  long enter(long nowNanos) {
    return budget == null ? Budget.GRANTED : budget.enter(nowNanos);
  }

  @Override
  public String toString() {
    return name;
  }
}
