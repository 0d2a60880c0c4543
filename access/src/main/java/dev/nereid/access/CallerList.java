package dev.nereid.access;

import java.security.MessageDigest;
import java.time.Instant;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import javax.security.auth.x500.X500Principal;
import org.jspecify.annotations.Nullable;

/** The callers of the file as of its last reading. Immutable. */
final class CallerList {
  /** Nobody. */
  static final CallerList EMPTY = new CallerList();

  private final Map<Long, Owner> byKey = new HashMap<>();
  private final Map<X500Principal, Caller> bySubject = new HashMap<>();
  private final Map<String, Caller> byToken = new HashMap<>();
  private @Nullable Caller anonymous;

  @SuppressWarnings("ArrayRecordComponent") // compared in constant time, and never as a record
  private record Owner(byte[] digest, Caller caller) {}

  private CallerList() {}

  /**
   * The callers of these entries.
   *
   * @param usual the limits of those that name none
   * @throws IllegalArgumentException when two of them could not be told from each other
   */
  static CallerList of(List<CallerEntry> entries, CallerLimits usual, Budgets budgets) {
    CallerList list = new CallerList();
    for (CallerEntry entry : entries) {
      CallerLimits limits = entry.limits() == null ? usual : entry.limits();
      Budget budget = limits.isNone() ? null : budgets.of(entry.name(), limits);
      Instant end = entry.expires();
      long expires = end == null ? Long.MAX_VALUE : end.toEpochMilli();
      list.add(entry, new Caller(entry.name(), entry.roles(), expires, budget));
    }
    return list;
  }

  private void add(CallerEntry entry, Caller caller) {
    for (String key : entry.keys()) {
      byte[] digest = HexFormat.of().parseHex(key);
      requireFirst(byKey.put(beginning(digest), new Owner(digest, caller)), entry, "keys");
    }
    for (X500Principal subject : entry.subjects()) {
      requireFirst(bySubject.put(subject, caller), entry, "subjects");
    }
    for (String token : entry.tokens()) {
      requireFirst(byToken.put(token, caller), entry, "tokens");
    }
    if (entry.name().equals(CallerEntry.ANONYMOUS)) {
      anonymous = caller;
    }
  }

  private static void requireFirst(@Nullable Object before, CallerEntry entry, String what) {
    if (before != null) {
      throw new IllegalArgumentException(
          entry.name() + ": " + what + " that stand in the file twice (expected: once)");
    }
  }

  /**
   * The owner of a key. It is found by the beginning of its digest, which nobody can choose, and
   * compared in a time that does not tell how much of it was right.
   */
  @Nullable Caller byKey(String key) {
    byte[] digest = ApiKey.digest(key);
    Owner owner = byKey.get(beginning(digest));
    return owner != null && MessageDigest.isEqual(owner.digest, digest) ? owner.caller : null;
  }

  @Nullable Caller bySubject(X500Principal subject) {
    return bySubject.get(subject);
  }

  /** Whom a token's subject stands for. */
  @Nullable Caller byToken(String subject) {
    return byToken.get(subject);
  }

  /** Who shows nothing; null when the file has nobody for that. */
  @Nullable Caller anonymous() {
    return anonymous;
  }

  private static long beginning(byte[] digest) {
    long first = 0;
    for (int i = 0; i < Long.BYTES; i++) {
      first = (first << 8) | (digest[i] & 0xff);
    }
    return first;
  }
}
