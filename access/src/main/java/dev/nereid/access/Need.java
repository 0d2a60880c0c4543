package dev.nereid.access;

import org.jspecify.annotations.Nullable;

/** What a request needs its caller to be. */
public enum Need {
  /** Open to everybody: health, and the files of a page. */
  NOTHING(null),
  /** Somebody who is known, whatever the role. */
  IDENTITY(null),
  /** The role of that name. */
  INFERENCE(Role.INFERENCE),
  /** The role of that name. */
  METRICS(Role.METRICS),
  /** The role of that name. */
  ADMINISTRATION(Role.ADMINISTRATION);

  private final @Nullable Role role;

  Need(@Nullable Role role) {
    this.role = role;
  }

  boolean isMetBy(Caller caller) {
    return role == null || caller.may(role);
  }
}
