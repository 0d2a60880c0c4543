package dev.nereid.access;

import java.util.Locale;

/** Why a request was not let in. */
public enum Denial {
  /** It shows nothing, and needs a caller who is known. */
  MISSING(Kind.UNAUTHENTICATED),
  /** It shows more than one thing. */
  AMBIGUOUS(Kind.MALFORMED),
  /** A key, or a subject of a certificate, that nobody has, or neither of them. */
  UNKNOWN(Kind.UNAUTHENTICATED),
  /** A key or a token whose time is over. */
  EXPIRED(Kind.UNAUTHENTICATED),
  /** A token that is none, or was not signed by one of the keys. */
  BAD_TOKEN(Kind.UNAUTHENTICATED),
  /** A token of another issuer, for another audience, or not yet valid. */
  WRONG_CLAIMS(Kind.UNAUTHENTICATED),
  /** A caller without the role. */
  ROLE(Kind.FORBIDDEN),
  /** A page of another origin, with the certificate of the browser. */
  CROSS_SITE(Kind.FORBIDDEN),
  /** More requests in a time than the caller may. */
  RATE(Kind.LIMITED),
  /** More requests at a time than the caller may. */
  CONCURRENCY(Kind.LIMITED),
  /** A token while no key to check it by is known, or too many new ones at once. */
  NO_KEYS(Kind.UNAVAILABLE);

  /** What a protocol makes of it. */
  public enum Kind {
    /** The request breaks the rules. */
    MALFORMED,
    /** Who calls is not known. */
    UNAUTHENTICATED,
    /** Who calls is known, and may not. */
    FORBIDDEN,
    /** Who calls may, but not now. */
    LIMITED,
    /** The server cannot tell now. */
    UNAVAILABLE
  }

  private final Kind kind;

  Denial(Kind kind) {
    this.kind = kind;
  }

  /** What a protocol makes of it. */
  public Kind kind() {
    return kind;
  }

  /** The word in metrics. */
  public String word() {
    return name().toLowerCase(Locale.ROOT);
  }
}
