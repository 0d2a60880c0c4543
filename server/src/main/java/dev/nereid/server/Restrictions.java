package dev.nereid.server;

import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * Which parts of v2 need a key, and which. Immutable.
 *
 * <p>A key is compared in a time that does not tell how much of it was right.
 */
public final class Restrictions {
  /** Everything is for everybody. */
  public static final Restrictions NONE = new Restrictions(Map.of());

  private static final Pattern HEADER = Pattern.compile("[A-Za-z0-9._-]{1,100}");

  private final Map<Api, Key> keys;

  /** A header and the value it must have. Its text shows no value. */
  static final class Key {
    private final String header;
    private final byte[] value;

    Key(String header, String value) {
      this.header = header;
      this.value = value.getBytes(StandardCharsets.UTF_8);
    }

    /** The name of the header, as typed. */
    String header() {
      return header;
    }

    /** Whether that is the value; null when the header is absent. */
    boolean isOpenedBy(@Nullable String shown) {
      byte[] given = (shown == null ? "" : shown).getBytes(StandardCharsets.UTF_8);
      return MessageDigest.isEqual(value, given);
    }

    @Override
    public boolean equals(Object other) {
      return other instanceof Key key
          && key.header.equals(header)
          && MessageDigest.isEqual(key.value, value);
    }

    @Override
    public int hashCode() {
      return header.hashCode();
    }
  }

  private Restrictions(Map<Api, Key> keys) {
    this.keys = keys;
  }

  /**
   * Reads restrictions as they are typed: {@code API[,API]:HEADER=VALUE}.
   *
   * @throws IllegalArgumentException when one is not of that form, or names an API that is none or
   *     that another one names already; the message shows no value
   */
  public static Restrictions parse(List<String> typed) {
    if (typed.isEmpty()) {
      return NONE;
    }
    Map<Api, Key> keys = new EnumMap<>(Api.class);
    for (String one : typed) {
      int colon = one.indexOf(':');
      int equals = one.indexOf('=', colon + 1);
      String header = colon < 0 || equals < 0 ? "" : one.substring(colon + 1, equals).strip();
      String value = equals < 0 ? "" : one.substring(equals + 1).strip();
      if (colon < 1 || !HEADER.matcher(header).matches() || value.isEmpty()) {
        throw new IllegalArgumentException(
            (colon < 0 ? "" : one.substring(0, colon) + ":...")
                + " (expected: API[,API]:HEADER=VALUE)");
      }
      Key key = new Key(header, value);
      for (String name : one.substring(0, colon).split(",", -1)) {
        Api api = Api.named(name.strip());
        if (api == null) {
          throw new IllegalArgumentException(name + " (expected: one of " + names() + ")");
        }
        if (keys.put(api, key) != null) {
          throw new IllegalArgumentException(name + ": named twice (expected: one key to an API)");
        }
      }
    }
    return new Restrictions(keys);
  }

  private static String names() {
    return String.join(", ", List.of(Api.values()).stream().map(Api::typed).toList());
  }

  /** Whether nothing needs a key. */
  public boolean isEmpty() {
    return keys.isEmpty();
  }

  /** What opens that part; null when it is for everybody. */
  @Nullable Key of(Api api) {
    return keys.get(api);
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof Restrictions restrictions && restrictions.keys.equals(keys);
  }

  @Override
  public int hashCode() {
    return keys.hashCode();
  }

  /** The parts that need a key; never the keys. */
  @Override
  public String toString() {
    return keys.keySet().toString();
  }
}
