package dev.nereid.access;

import com.nimbusds.jose.JWSHeader;
import com.nimbusds.jose.jwk.ECKey;
import com.nimbusds.jose.jwk.JWK;
import com.nimbusds.jose.jwk.JWKMatcher;
import com.nimbusds.jose.jwk.JWKSelector;
import com.nimbusds.jose.jwk.JWKSet;
import com.nimbusds.jose.jwk.KeyConverter;
import com.nimbusds.jose.jwk.KeyUse;
import com.nimbusds.jose.jwk.RSAKey;
import java.nio.charset.StandardCharsets;
import java.security.Key;
import java.text.ParseException;
import java.util.List;

/**
 * The public keys of an issuer as of their last reading. Shared secrets, keys for encryption and
 * RSA keys of less than 2,048 bits are left out: nothing is checked by them. Immutable.
 */
final class TokenKeys {
  /** No key at all. */
  static final TokenKeys NONE = new TokenKeys(new JWKSet());

  private static final int LEAST_RSA_BITS = 2048;

  private final JWKSet keys;

  private TokenKeys(JWKSet keys) {
    this.keys = keys;
  }

  /**
   * Reads a JSON Web Key Set.
   *
   * @throws IllegalArgumentException when it is none, or has no key that counts
   */
  static TokenKeys parse(byte[] content) {
    JWKSet all;
    try {
      all = JWKSet.parse(new String(content, StandardCharsets.UTF_8));
    } catch (ParseException e) {
      throw new IllegalArgumentException("not a JSON Web Key Set", e);
    }
    List<JWK> usable =
        all.getKeys().stream().filter(TokenKeys::isUsable).map(JWK::toPublicJWK).toList();
    if (usable.isEmpty()) {
      throw new IllegalArgumentException("no RSA or EC key for signatures");
    }
    return new TokenKeys(new JWKSet(usable));
  }

  private static boolean isUsable(JWK key) {
    boolean asymmetric =
        key instanceof ECKey || (key instanceof RSAKey && key.size() >= LEAST_RSA_BITS);
    return asymmetric && !KeyUse.ENCRYPTION.equals(key.getKeyUse());
  }

  boolean isEmpty() {
    return keys.isEmpty();
  }

  /** The keys by which a token with that header may be signed. */
  List<Key> of(JWSHeader header) {
    JWKMatcher matcher = JWKMatcher.forJWSHeader(header);
    return matcher == null
        ? List.of()
        : KeyConverter.toJavaKeys(new JWKSelector(matcher).select(keys));
  }
}
