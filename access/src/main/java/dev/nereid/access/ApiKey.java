package dev.nereid.access;

import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.security.SecureRandom;
import java.util.Base64;
import java.util.HexFormat;

/**
 * Keys that the server makes: 256 random bits, of which only the digest is kept. That many bits
 * cannot be guessed from a digest, so that a slow one, as passwords need, would only cost.
 */
public final class ApiKey {
  /** How every key begins, so that scanners for secrets find it. */
  public static final String PREFIX = "nrd_";

  /** How a digest is written. */
  static final String SCHEME = "sha256:";

  private static final int RANDOM_BYTES = 32;
  private static final int DIGEST_BYTES = 32;

  private final String text;

  private ApiKey(String text) {
    this.text = text;
  }

  /** A new key. */
  public static ApiKey make() {
    byte[] random = new byte[RANDOM_BYTES];
    new SecureRandom().nextBytes(random);
    return new ApiKey(PREFIX + Base64.getUrlEncoder().withoutPadding().encodeToString(random));
  }

  /** The key itself, to be shown once. */
  public String reveal() {
    return text;
  }

  /** What is kept of it: {@code sha256:} and 64 digits. */
  public String digest() {
    return SCHEME + HexFormat.of().formatHex(digest(text));
  }

  @Override
  public String toString() {
    return digest();
  }

  static byte[] digest(String text) {
    try {
      return MessageDigest.getInstance("SHA-256").digest(text.getBytes(StandardCharsets.UTF_8));
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException(e); // every JDK has it
    }
  }

  /**
   * Reads a digest as it is written.
   *
   * @throws IllegalArgumentException when it is none; the message shows nothing of it, since it
   *     might be a key that was written there by mistake
   */
  static byte[] readDigest(String written) {
    if (written.startsWith(SCHEME) && written.length() == SCHEME.length() + 2 * DIGEST_BYTES) {
      try {
        return HexFormat.of().parseHex(written, SCHEME.length(), written.length());
      } catch (IllegalArgumentException e) {
        // told below
      }
    }
    throw new IllegalArgumentException(
        "key (expected: sha256: and 64 digits, as nereid key new writes it, and no key itself)");
  }
}
