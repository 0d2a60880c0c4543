package dev.nereid.http;

import dev.nereid.access.AccessControl;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/**
 * What a listener asks of requests at their heads.
 *
 * @param access who may call; null for everybody
 * @param cors which pages of other origins may
 * @param strictTransport how long browsers shall come back over TLS alone; zero for not said
 */
public record Guarding(@Nullable AccessControl access, Cors cors, Duration strictTransport) {
  /** Nothing: everything is for everybody. */
  public static final Guarding NONE = new Guarding(null, Cors.NONE, Duration.ZERO);

  public Guarding {
    if (strictTransport.isNegative()) {
      throw new IllegalArgumentException(
          "strict-transport: " + strictTransport.toSeconds() + " (expected: >= 0)");
    }
  }

  /** Only who may call. */
  public static Guarding by(@Nullable AccessControl access) {
    return access == null ? NONE : new Guarding(access, Cors.NONE, Duration.ZERO);
  }

  boolean isNone() {
    return access == null && cors.isNone() && strictTransport.isZero();
  }
}
