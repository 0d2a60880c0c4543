package dev.nereid.access;

import java.time.Instant;
import java.util.List;
import java.util.Set;
import java.util.regex.Pattern;
import javax.security.auth.x500.X500Principal;
import org.jspecify.annotations.Nullable;

/**
 * One caller of the file.
 *
 * @param limits null for those of everybody
 * @param expires after which it is nobody; null for never
 * @param keys their digests, in hexadecimal
 * @param subjects of certificates
 * @param tokens the subjects that tokens name
 */
record CallerEntry(
    String name,
    Set<Role> roles,
    @Nullable CallerLimits limits,
    @Nullable Instant expires,
    List<String> keys,
    List<X500Principal> subjects,
    List<String> tokens) {
  /** Who shows nothing is this one, if the file has it. */
  static final String ANONYMOUS = "anonymous";

  private static final Pattern NAME = Pattern.compile("[A-Za-z0-9._@/-]{1,64}");

  CallerEntry {
    roles = Set.copyOf(roles);
    keys = List.copyOf(keys);
    subjects = List.copyOf(subjects);
    tokens = List.copyOf(tokens);
    if (!isName(name)) {
      throw new IllegalArgumentException(
          "name: '" + name + "' (expected: 1 to 64 letters, digits, and . _ @ / -)");
    }
    boolean known = !keys.isEmpty() || !subjects.isEmpty() || !tokens.isEmpty();
    if (name.equals(ANONYMOUS) && known) {
      throw new IllegalArgumentException(name + ": keys (expected: none, it shows nothing)");
    }
    if (!name.equals(ANONYMOUS) && !known) {
      throw new IllegalArgumentException(name + ": nothing (expected: keys, subjects or tokens)");
    }
  }

  static boolean isName(String text) {
    return NAME.matcher(text).matches();
  }
}
