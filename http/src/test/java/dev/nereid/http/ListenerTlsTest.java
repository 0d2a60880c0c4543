package dev.nereid.http;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.nereid.core.Damage;
import dev.nereid.core.FaultException;
import dev.nereid.core.FollowedFiles.Look;
import dev.nereid.http.ListenerTls.Offer;
import dev.nereid.telemetry.Metrics;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.time.Duration;
import java.time.Instant;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class ListenerTlsTest {
  private final TestCertificates authority = new TestCertificates("authority");
  private final Metrics metrics = new Metrics();

  @TempDir Path folder;

  private Path certificate() {
    return folder.resolve("server.crt");
  }

  private Path key() {
    return folder.resolve("server.key");
  }

  private ListenerTls open() {
    return new ListenerTls("http", TlsFiles.of(certificate(), key()), Offer.HTTP, metrics);
  }

  private ListenerTls opened() {
    authority.issue("first").writeTo(certificate(), key());
    return open();
  }

  @Test
  void takesChangedFilesOnceTheyHaveBeenTheSameForTwoLooks() {
    try (ListenerTls tls = opened()) {
      assertThat(tls.look()).isEqualTo(Look.SAME);
      Instant end = Instant.now().plus(Duration.ofDays(3));
      authority.issue("second", end).writeTo(certificate(), key());
      assertThat(tls.look()).isEqualTo(Look.CHANGING);
      assertThat(tls.look()).isEqualTo(Look.TAKEN);
      assertThat(tls.notAfter().getEpochSecond()).isEqualTo(end.getEpochSecond());
      assertThat(tls.look()).isEqualTo(Look.SAME);
      assertThat(metrics.scrape())
          .contains("nereid_tls_reloads_total{listener=\"http\",outcome=\"taken\"} 1")
          .contains("nereid_tls_certificate_not_after_seconds{listener=\"http\"}");
    }
  }

  @Test
  void keepsTheOldOneWhileTheNewOneIsHalfWrittenOrWrong() throws Exception {
    try (ListenerTls tls = opened()) {
      Instant end = tls.notAfter();
      byte[] good = Files.readAllBytes(certificate());
      Files.write(certificate(), Arrays.copyOf(good, good.length / 2));
      assertRefused(tls, Look.CHANGING);
      Files.writeString(certificate(), "nothing");
      assertRefused(tls, Look.CHANGING);
      Files.delete(certificate());
      assertRefused(tls, Look.REFUSED);
      authority.issue("other").writeTo(certificate(), folder.resolve("unused.key"));
      assertRefused(tls, Look.CHANGING); // the old key does not belong to it
      authority.issue("old", Instant.now().minusSeconds(9)).writeTo(certificate(), key());
      assertRefused(tls, Look.CHANGING);
      assertThat(tls.notAfter()).isEqualTo(end);
      assertThat(metrics.scrape())
          .contains("nereid_tls_reloads_total{listener=\"http\",outcome=\"refused\"} 5");
    }
  }

  private static void assertRefused(ListenerTls tls, Look first) {
    assertThat(tls.look()).isEqualTo(first);
    assertThat(tls.look()).isEqualTo(Look.REFUSED);
    assertThat(tls.look()).isEqualTo(Look.REFUSED);
  }

  @Test
  void saysWhatIsWrongWithTheFilesAtTheStart() throws Exception {
    assertFails("server.crt: no such file");
    authority.issue("a").writeTo(certificate(), key());
    Files.delete(key());
    assertFails("server.key: no such file");
    Files.writeString(key(), "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAA==\n");
    assertFails("server.key: ends in the middle");
    TestCertificates.write(key(), "ENCRYPTED PRIVATE KEY", new byte[] {1});
    assertFails("server.key: the key is encrypted");
    TestCertificates.write(key(), "PRIVATE KEY", new byte[] {1});
    assertFails("server.key: no EC key");
    TestCertificates.write(certificate(), "CERTIFICATE", new byte[] {1});
    assertFails("server.crt: a certificate that is damaged");
    TestCertificates.write(certificate(), "SOMETHING", new byte[] {1});
    assertFails("server.crt: no certificate");
  }

  private void assertFails(String message) {
    assertThatThrownBy(this::open)
        .isInstanceOf(FaultException.class)
        .hasMessageStartingWith("http: TLS: ")
        .hasMessageContaining(message);
  }

  @Test
  void damagedFilesAreTakenOrRefusedInWords() throws Exception {
    authority.issue("a").writeTo(certificate(), key());
    Random random = new Random(23);
    int refused = 0;
    for (int round = 0; round < 200; round++) {
      Path file = round % 2 == 0 ? certificate() : key();
      byte[] whole = Files.readAllBytes(file);
      Files.write(file, Damage.of(whole, random, "\n", "-----", "=", "-----END CERTIFICATE-----"));
      try (ListenerTls tls = open()) {
        assertThat(tls.notAfter()).isNotNull();
      } catch (FaultException e) {
        assertThat(e)
            .as("round %d", round)
            .hasMessageMatching("(?s)http: TLS: .*server\\.(crt|key).*");
        refused++;
      }
      Files.write(file, whole);
    }
    assertThat(refused).isGreaterThan(60);
  }

  @Test
  void readsTheOlderFormsOfKeys() throws Exception {
    KeyPairGenerator generator = KeyPairGenerator.getInstance("RSA");
    generator.initialize(2048);
    Instant end = Instant.now().plus(Duration.ofDays(1));
    for (KeyPair keys : new KeyPair[] {generator.generateKeyPair(), TestCertificates.ecKeys()}) {
      authority.issue("a", end, keys).writeTo(certificate(), key());
      byte[] pkcs8 = keys.getPrivate().getEncoded();
      boolean rsa = keys.getPrivate().getAlgorithm().equals("RSA");
      int inner = rsa ? 26 : 28;
      TestCertificates.write(
          key(),
          rsa ? "RSA PRIVATE KEY" : "EC PRIVATE KEY",
          Arrays.copyOfRange(pkcs8, inner, pkcs8.length));
      try (ListenerTls tls = open()) {
        assertThat(tls.look()).isEqualTo(Look.SAME);
      }
    }
  }

  @Test
  void theWatchLooksByItself() {
    try (ListenerTls tls = opened();
        var _ = new CertificateWatch(java.util.List.of(tls), Duration.ofMillis(5))) {
      Instant end = Instant.now().plus(Duration.ofDays(2));
      authority.issue("second", end).writeTo(certificate(), key());
      RunningListener.await(() -> tls.notAfter().getEpochSecond() == end.getEpochSecond());
    }
  }
}
