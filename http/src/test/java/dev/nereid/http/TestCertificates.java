package dev.nereid.http;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.math.BigInteger;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.security.KeyStore;
import java.security.Signature;
import java.security.cert.Certificate;
import java.security.cert.X509Certificate;
import java.security.spec.ECGenParameterSpec;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.Base64;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.TrustManagerFactory;
import org.jspecify.annotations.Nullable;

/** An authority of the test's own, the certificates it signs, and clients that trust it. */
public final class TestCertificates {
  private static final AtomicLong SERIAL = new AtomicLong(System.nanoTime());
  private static final DateTimeFormatter TIME =
      DateTimeFormatter.ofPattern("yyyyMMddHHmmss'Z'").withZone(ZoneOffset.UTC);
  private static final byte[] ECDSA_WITH_SHA256 =
      sequence(der(0x06, new byte[] {0x2a, (byte) 0x86, 0x48, (byte) 0xce, 0x3d, 4, 3, 2}));
  private static final byte[] RSA_WITH_SHA256 =
      sequence(
          der(0x06, new byte[] {0x2a, (byte) 0x86, 0x48, (byte) 0x86, (byte) 0xf7, 13, 1, 1, 11}),
          der(0x05));

  private final Issued root;

  /** A certificate with its key. */
  public record Issued(X509Certificate certificate, KeyPair keys) {
    /** Writes both as PEM. */
    public void writeTo(Path certificateFile, Path keyFile) {
      write(certificateFile, "CERTIFICATE", encoded(certificate));
      write(keyFile, "PRIVATE KEY", keys.getPrivate().getEncoded());
    }
  }

  /** An authority of that name. */
  public TestCertificates(String name) {
    KeyPair keys = ecKeys();
    root = new Issued(sign(name, name, keys, keys, Instant.now().plus(Duration.ofDays(9))), keys);
  }

  /** A certificate of this machine under its names, valid for some days. */
  public Issued issue(String name) {
    return issue(name, Instant.now().plus(Duration.ofDays(5)));
  }

  /** A certificate of this machine under its names, valid up to then. */
  public Issued issue(String name, Instant end) {
    return issue(name, end, ecKeys());
  }

  /** A certificate of this machine under its names, for keys that are there. */
  public Issued issue(String name, Instant end, KeyPair keys) {
    return new Issued(sign(issuer(), name, root.keys, keys, end), keys);
  }

  /** Writes the authority's own certificate as PEM. */
  public Path writeRoot(Path file) {
    write(file, "CERTIFICATE", encoded(root.certificate));
    return file;
  }

  /** TLS of a client that trusts this authority alone and shows that certificate, if any. */
  public SSLContext client(@Nullable Issued shown) {
    try {
      KeyStore trusted = KeyStore.getInstance("PKCS12");
      trusted.load(null, null);
      trusted.setCertificateEntry("root", root.certificate);
      TrustManagerFactory trust =
          TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
      trust.init(trusted);
      KeyStore own = KeyStore.getInstance("PKCS12");
      own.load(null, null);
      if (shown != null) {
        Certificate[] chain = {shown.certificate};
        own.setKeyEntry("own", shown.keys.getPrivate(), new char[0], chain);
      }
      KeyManagerFactory keys =
          KeyManagerFactory.getInstance(KeyManagerFactory.getDefaultAlgorithm());
      keys.init(own, new char[0]);
      SSLContext context = SSLContext.getInstance("TLS");
      context.init(keys.getKeyManagers(), trust.getTrustManagers(), null);
      return context;
    } catch (GeneralSecurityException | IOException e) {
      throw new IllegalStateException(e);
    }
  }

  /** Keys on the curve that everybody has. */
  public static KeyPair ecKeys() {
    try {
      KeyPairGenerator generator = KeyPairGenerator.getInstance("EC");
      generator.initialize(new ECGenParameterSpec("secp256r1"));
      return generator.generateKeyPair();
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException(e);
    }
  }

  /** Writes a PEM file of one block. */
  public static void write(Path file, String label, byte[] content) {
    String text = Base64.getMimeEncoder(64, new byte[] {'\n'}).encodeToString(content);
    try {
      Files.writeString(
          file, "-----BEGIN " + label + "-----\n" + text + "\n-----END " + label + "-----\n");
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private String issuer() {
    return root.certificate.getSubjectX500Principal().getName().substring("CN=".length());
  }

  private static byte[] encoded(X509Certificate certificate) {
    try {
      return certificate.getEncoded();
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException(e);
    }
  }

  /** A certificate of version 3; its own issuer is an authority. */
  private static X509Certificate sign(
      String issuer, String subject, KeyPair signer, KeyPair keys, Instant end) {
    byte[] algorithm =
        signer.getPrivate().getAlgorithm().equals("RSA") ? RSA_WITH_SHA256 : ECDSA_WITH_SHA256;
    Instant start = end.minus(Duration.ofDays(10));
    byte[] body =
        sequence(
            der(0xa0, der(0x02, new byte[] {2})),
            der(0x02, BigInteger.valueOf(SERIAL.incrementAndGet()).toByteArray()),
            algorithm,
            name(issuer),
            sequence(time(start), time(end)),
            name(subject),
            keys.getPublic().getEncoded(),
            der(0xa3, sequence(issuer.equals(subject) ? authority() : names())));
    try {
      Signature signature =
          Signature.getInstance(
              signer.getPrivate().getAlgorithm().equals("RSA")
                  ? "SHA256withRSA"
                  : "SHA256withECDSA");
      signature.initSign(signer.getPrivate());
      signature.update(body);
      byte[] whole = sequence(body, algorithm, der(0x03, new byte[] {0}, signature.sign()));
      return (X509Certificate)
          java.security.cert.CertificateFactory.getInstance("X.509")
              .generateCertificate(new java.io.ByteArrayInputStream(whole));
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException(e);
    }
  }

  /** Basic constraints: an authority. */
  private static byte[] authority() {
    return sequence(
        der(0x06, new byte[] {0x55, 0x1d, 0x13}),
        der(0x01, new byte[] {-1}),
        der(0x04, sequence(der(0x01, new byte[] {-1}))));
  }

  /** Alternative names: localhost and 127.0.0.1. */
  private static byte[] names() {
    byte[] names =
        sequence(
            der(0x82, "localhost".getBytes(StandardCharsets.US_ASCII)),
            der(0x87, new byte[] {127, 0, 0, 1}));
    return sequence(der(0x06, new byte[] {0x55, 0x1d, 0x11}), der(0x04, names));
  }

  private static byte[] name(String common) {
    byte[] text = der(0x0c, common.getBytes(StandardCharsets.UTF_8));
    return sequence(der(0x31, sequence(der(0x06, new byte[] {0x55, 4, 3}), text)));
  }

  private static byte[] time(Instant instant) {
    return der(0x18, TIME.format(instant).getBytes(StandardCharsets.US_ASCII));
  }

  private static byte[] sequence(byte[]... parts) {
    return der(0x30, parts);
  }

  private static byte[] der(int tag, byte[]... parts) {
    int length = List.of(parts).stream().mapToInt(part -> part.length).sum();
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    out.write(tag);
    if (length >= 0x100) {
      out.write(0x82);
      out.write(length >> 8);
    } else if (length >= 0x80) {
      out.write(0x81);
    }
    out.write(length);
    for (byte[] part : parts) {
      out.writeBytes(part);
    }
    return out.toByteArray();
  }
}
