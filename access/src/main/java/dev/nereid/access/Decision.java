package dev.nereid.access;

/** What became of a request at the door. */
public sealed interface Decision {
  /** It goes on, as that caller's; {@link Caller#left} is due at its end. */
  record Admitted(Caller caller) implements Decision {}

  /**
   * It is refused.
   *
   * @param name of the caller, where that is known; else empty
   * @param detail for the caller; holds nothing of what was shown
   * @param retryNanos after which it may be asked again; 0 when that is not known
   */
  record Refused(Denial denial, String name, String detail, long retryNanos) implements Decision {
    /** A refusal of somebody who is not known. */
    public static Refused of(Denial denial, String detail) {
      return new Refused(denial, "", detail, 0);
    }

    /** Whole seconds after which to ask again, at least one. */
    public long retrySeconds() {
      return Math.max(1, (retryNanos + 999_999_999) / 1_000_000_000);
    }
  }
}
