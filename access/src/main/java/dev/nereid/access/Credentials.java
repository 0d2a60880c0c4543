package dev.nereid.access;

import java.util.List;
import javax.security.auth.x500.X500Principal;
import org.jspecify.annotations.Nullable;

/**
 * What a request shows of its caller: a key or a token in one header line, or the certificate of
 * its connection. Its text shows nothing.
 */
public final class Credentials {
  /** The header that carries {@code Bearer} and a key or token. */
  public static final String AUTHORIZATION = "authorization";

  /** The header that carries a key. */
  public static final String API_KEY = "x-api-key";

  private static final Credentials NONE = new Credentials("", null, null, "");
  private static final String SCHEME = "Bearer ";
  private static final int LONGEST = 16 << 10;

  private final String secret;
  private final @Nullable X500Principal subject;
  private final @Nullable Denial denial;
  private final String fault;

  private Credentials(
      String secret, @Nullable X500Principal subject, @Nullable Denial denial, String fault) {
    this.secret = secret;
    this.subject = subject;
    this.denial = denial;
    this.fault = fault;
  }

  /**
   * Reads what a request shows. A header goes before a certificate; two headers are one too many,
   * since someone on the way may look at the other one.
   *
   * @param authorization the values of all lines of {@link #AUTHORIZATION}
   * @param apiKey the values of all lines of {@link #API_KEY}
   * @param subject of the client's certificate, which the connection has checked; null for none
   */
  public static Credentials of(
      List<String> authorization, List<String> apiKey, @Nullable X500Principal subject) {
    int lines = authorization.size() + apiKey.size();
    if (lines == 0) {
      return subject == null ? NONE : new Credentials("", subject, null, "");
    }
    if (lines > 1) {
      return faulty(
          Denial.AMBIGUOUS,
          "headers authorization and x-api-key (expected: one line of one of them)");
    }
    if (authorization.isEmpty()) {
      return secret(apiKey.getFirst().strip(), "header x-api-key (expected: a key)");
    }
    String value = authorization.getFirst().strip();
    String expected = "header authorization (expected: Bearer and a key or token)";
    return value.regionMatches(true, 0, SCHEME, 0, SCHEME.length())
        ? secret(value.substring(SCHEME.length()).strip(), expected)
        : faulty(Denial.UNKNOWN, expected);
  }

  private static Credentials secret(String text, String expected) {
    return !text.isEmpty() && text.length() <= LONGEST && isToken(text)
        ? new Credentials(text, null, null, "")
        : faulty(Denial.UNKNOWN, expected);
  }

  private static Credentials faulty(Denial denial, String fault) {
    return new Credentials("", null, denial, fault);
  }

  /** Whether all characters are those that RFC 6750 allows. */
  private static boolean isToken(String text) {
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      boolean letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
      if (!letter && "-._~+/=".indexOf(c) < 0) {
        return false;
      }
    }
    return true;
  }

  /** Whether nothing is shown. */
  public boolean isEmpty() {
    return secret.isEmpty() && subject == null && denial == null;
  }

  /** Whether the caller is known by what its connection is, and not by what it says. */
  public boolean isCertificate() {
    return subject != null;
  }

  /** What their form alone leads to; null when nothing is wrong with it. */
  Decision.@Nullable Refused fault() {
    return denial == null ? null : Decision.Refused.of(denial, fault);
  }

  /** The key or token; empty when there is none. */
  String secret() {
    return secret;
  }

  /** The subject of the certificate; null when there is none that counts. */
  @Nullable X500Principal subject() {
    return subject;
  }

  @Override
  public String toString() {
    return "credentials";
  }
}
