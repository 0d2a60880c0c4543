package dev.nereid.access;

import com.nimbusds.jose.JOSEException;
import com.nimbusds.jose.JOSEObjectType;
import com.nimbusds.jose.JWSAlgorithm;
import com.nimbusds.jose.JWSHeader;
import com.nimbusds.jose.JWSSigner;
import com.nimbusds.jose.crypto.ECDSASigner;
import com.nimbusds.jose.crypto.MACSigner;
import com.nimbusds.jose.crypto.RSASSASigner;
import com.nimbusds.jose.jwk.Curve;
import com.nimbusds.jose.jwk.ECKey;
import com.nimbusds.jose.jwk.JWK;
import com.nimbusds.jose.jwk.JWKSet;
import com.nimbusds.jose.jwk.RSAKey;
import com.nimbusds.jose.jwk.gen.ECKeyGenerator;
import com.nimbusds.jose.jwk.gen.RSAKeyGenerator;
import com.nimbusds.jwt.JWTClaimsSet;
import com.nimbusds.jwt.SignedJWT;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.Base64;
import java.util.Date;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import java.util.stream.Stream;

/** An issuer of the test's own, the tokens it signs, and those that others forge. */
public final class TestTokens {
  /** What it calls itself. */
  public static final String ISSUER = "https://issuer.example";

  /** Whom its tokens are for. */
  public static final String AUDIENCE = "nereid";

  private final RSAKey rsa;
  private final ECKey curve;

  /** An issuer with fresh keys of those names. */
  public TestTokens(String rsaName, String curveName) {
    try {
      rsa = new RSAKeyGenerator(2048).keyID(rsaName).generate();
      curve = new ECKeyGenerator(Curve.P_256).keyID(curveName).generate();
    } catch (JOSEException e) {
      throw new IllegalStateException(e);
    }
  }

  /** An issuer with keys of usual names. */
  public TestTokens() {
    this("rsa-1", "curve-1");
  }

  /** Its public keys, as it publishes them. */
  public String keys() {
    return new JWKSet(List.of(rsa.toPublicJWK(), curve.toPublicJWK())).toString();
  }

  /** Writes its public keys to a file. */
  public Path writeKeys(Path file) {
    try {
      return Files.writeString(file, keys());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** A token for that subject with those roles, valid for an hour. */
  public String token(String subject, String... roles) {
    return token(claims -> claims.subject(subject).claim("roles", List.of(roles)));
  }

  /** A token signed by RSA, with other claims than usual. */
  public String token(Consumer<JWTClaimsSet.Builder> change) {
    return sign(JWSAlgorithm.RS256, rsa, rsa.getKeyID(), change);
  }

  /** A token signed on a curve. */
  public String curveToken(String subject, String... roles) {
    return sign(
        JWSAlgorithm.ES256,
        curve,
        curve.getKeyID(),
        claims -> claims.subject(subject).claim("roles", List.of(roles)));
  }

  /** Tokens that must not count, by what is wrong with them. */
  public Map<String, String> forged() {
    try {
      return forgedTokens();
    } catch (JOSEException e) {
      throw new IllegalStateException(e);
    }
  }

  private Map<String, String> forgedTokens() throws JOSEException {
    TestTokens stranger = new TestTokens();
    String good = token("mallory", "administration");
    String[] parts = good.split("\\.", -1);
    String payload = parts[1];
    Map<String, String> forged = new LinkedHashMap<>();
    forged.put("no signature", encoded("{\"alg\":\"none\"}") + "." + payload + ".");
    forged.put("no signature, typed", encoded("{\"alg\":\"nOnE\"}") + "." + payload + ".");
    forged.put("no signature under RS256", parts[0] + "." + payload + ".");
    forged.put("two parts", parts[0] + "." + payload);
    forged.put("another's key of the same name", stranger.token("mallory", "administration"));
    forged.put("public key as shared secret", sharedSecret(rsa.toPublicJWK().toString()));
    forged.put("public PEM as shared secret", sharedSecret(pem()));
    forged.put("a changed payload", parts[0] + "." + changed(payload) + "." + parts[2]);
    forged.put(
        "its own key in its head", embedded(stranger.rsa, stranger.token("mallory", "inference")));
    forged.put(
        "a key of no known name", sign(JWSAlgorithm.RS256, rsa, "unknown", TestTokens::mallory));
    forged.put(
        "an algorithm not allowed",
        sign(JWSAlgorithm.RS512, rsa, rsa.getKeyID(), TestTokens::mallory));
    forged.put(
        "the other kind of key", // the curve's name over an RSA signature
        sign(JWSAlgorithm.RS256, rsa, curve.getKeyID(), TestTokens::mallory));
    forged.put("expired", token(claims -> claims.expirationTime(at(Duration.ofMinutes(-5)))));
    forged.put("no end", token(claims -> claims.expirationTime(null)));
    forged.put("not yet valid", token(claims -> claims.notBeforeTime(at(Duration.ofMinutes(5)))));
    forged.put("another audience", token(claims -> claims.audience("another")));
    forged.put("no audience", token(claims -> claims.audience((String) null)));
    forged.put("another issuer", token(claims -> claims.issuer("https://issuer.example.evil")));
    forged.put("no issuer", token(claims -> claims.issuer(null)));
    forged.put("nobody's", token(claims -> claims.subject(null)));
    forged.put("no token at all", "hello");
    forged.put("three empty parts", "..");
    forged.put("deep nesting", encoded("{\"a\":".repeat(3000)) + "." + payload + ".x");
    return forged;
  }

  /** The parts of a token that must stand in no log. */
  public static Stream<String> secretsOf(String token) {
    return Stream.of(token.split("\\.", -1)).filter(part -> part.length() > 8);
  }

  private static void mallory(JWTClaimsSet.Builder claims) {
    claims.subject("mallory").claim("roles", List.of("administration"));
  }

  private static Date at(Duration fromNow) {
    return Date.from(Instant.now().plus(fromNow));
  }

  private static JWTClaimsSet claims(Consumer<JWTClaimsSet.Builder> change) {
    JWTClaimsSet.Builder claims =
        new JWTClaimsSet.Builder()
            .issuer(ISSUER)
            .audience(AUDIENCE)
            .subject("mallory")
            .claim("roles", List.of("inference"))
            .expirationTime(at(Duration.ofHours(1)));
    change.accept(claims);
    return claims.build();
  }

  private static String sign(
      JWSAlgorithm algorithm, JWK key, String name, Consumer<JWTClaimsSet.Builder> change) {
    JWSHeader header =
        new JWSHeader.Builder(algorithm).type(JOSEObjectType.JWT).keyID(name).build();
    try {
      JWSSigner signer =
          key instanceof RSAKey pair ? new RSASSASigner(pair) : new ECDSASigner(key.toECKey());
      SignedJWT token = new SignedJWT(header, claims(change));
      token.sign(signer);
      return token.serialize();
    } catch (JOSEException e) {
      throw new IllegalStateException(e);
    }
  }

  /** Signed with what everybody knows, in the hope that it is taken for a shared secret. */
  private String sharedSecret(String secret) throws JOSEException {
    JWSHeader header = new JWSHeader.Builder(JWSAlgorithm.HS256).keyID(rsa.getKeyID()).build();
    SignedJWT token = new SignedJWT(header, claims(TestTokens::mallory));
    token.sign(new MACSigner(secret.getBytes(StandardCharsets.UTF_8)));
    return token.serialize();
  }

  private String pem() throws JOSEException {
    byte[] key = rsa.toPublicKey().getEncoded();
    String text = Base64.getMimeEncoder(64, new byte[] {'\n'}).encodeToString(key);
    return "-----BEGIN PUBLIC KEY-----\n" + text + "\n-----END PUBLIC KEY-----\n";
  }

  private static String embedded(RSAKey own, String token) throws JOSEException {
    JWSHeader header = new JWSHeader.Builder(JWSAlgorithm.RS256).jwk(own.toPublicJWK()).build();
    try {
      SignedJWT forged = new SignedJWT(header, SignedJWT.parse(token).getJWTClaimsSet());
      forged.sign(new RSASSASigner(own));
      return forged.serialize();
    } catch (java.text.ParseException e) {
      throw new IllegalStateException(e);
    }
  }

  private static String changed(String payload) {
    String text = new String(Base64.getUrlDecoder().decode(payload), StandardCharsets.UTF_8);
    return encoded(text.replace("mallory", "another"));
  }

  private static String encoded(String text) {
    return Base64.getUrlEncoder()
        .withoutPadding()
        .encodeToString(text.getBytes(StandardCharsets.UTF_8));
  }
}
