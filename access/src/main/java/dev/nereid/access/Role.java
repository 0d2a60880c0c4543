package dev.nereid.access;

import java.util.Locale;
import org.jspecify.annotations.Nullable;

/** What a caller may do. No role includes another. */
public enum Role {
  /** Ask models, and ask about them. */
  INFERENCE,
  /** Read what is measured. */
  METRICS,
  /** Load, unload and promote models, and change what is logged. */
  ADMINISTRATION;

  /** The name as typed: {@code inference}. */
  public String typed() {
    return name().toLowerCase(Locale.ROOT);
  }

  /** The role of that name; null when there is none. */
  public static @Nullable Role named(String typed) {
    for (Role role : values()) {
      if (role.typed().equals(typed)) {
        return role;
      }
    }
    return null;
  }
}
