package dev.nereid.http;

import java.io.ByteArrayInputStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.PrivateKey;
import java.security.PublicKey;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;
import java.security.spec.PKCS8EncodedKeySpec;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Reads certificates and keys from the text of a PEM file. Its complaints name the file. */
final class PemFile {
  private static final Pattern BLOCK =
      Pattern.compile(
          "-----BEGIN ([A-Z0-9 ]{1,40})-----([A-Za-z0-9+/=\\s]*+)-----END ([A-Z0-9 ]{1,40})-----");
  private static final Pattern BEGIN = Pattern.compile("-----BEGIN [A-Z0-9 ]{1,40}-----");

  private static final int SEQUENCE = 0x30;
  private static final int OCTETS = 0x04;
  private static final byte[] VERSION_0 = {0x02, 0x01, 0x00};

  private final Path path;
  private final List<Block> blocks = new ArrayList<>();

  @SuppressWarnings("ArrayRecordComponent") // never compared
  private record Block(String label, byte[] content) {}

  /**
   * Reads the blocks of a file.
   *
   * @throws GeneralSecurityException when one of them does not end or is no base64
   */
  PemFile(Path path, byte[] content) throws GeneralSecurityException {
    this.path = path;
    String text = new String(content, StandardCharsets.ISO_8859_1);
    Matcher matcher = BLOCK.matcher(text);
    while (matcher.find()) {
      if (!matcher.group(1).equals(matcher.group(3))) {
        throw complaint("a block of " + matcher.group(1) + " ends as " + matcher.group(3));
      }
      blocks.add(new Block(matcher.group(1), decode(matcher.group(2))));
    }
    if (BEGIN.matcher(text).results().count() != blocks.size()) {
      throw complaint("ends in the middle, or holds what is no base64");
    }
  }

  /** All certificates in their order; at least one. */
  List<X509Certificate> certificates() throws GeneralSecurityException {
    CertificateFactory factory = CertificateFactory.getInstance("X.509");
    List<X509Certificate> certificates = new ArrayList<>();
    for (Block block : blocks) {
      if (block.label.equals("CERTIFICATE") || block.label.equals("X509 CERTIFICATE")) {
        certificates.add(certificate(factory, block.content));
      }
    }
    if (certificates.isEmpty()) {
      throw complaint("no certificate (expected: -----BEGIN CERTIFICATE-----)");
    }
    return certificates;
  }

  private X509Certificate certificate(CertificateFactory factory, byte[] content)
      throws GeneralSecurityException {
    try {
      return (X509Certificate) factory.generateCertificate(new ByteArrayInputStream(content));
    } catch (GeneralSecurityException e) {
      throw complaint("a certificate that is damaged");
    }
  }

  /** The first private key, which is of the kind of that public key. */
  PrivateKey key(PublicKey pair) throws GeneralSecurityException {
    for (Block block : blocks) {
      switch (block.label) {
        case "PRIVATE KEY" -> {
          return key(block.content, pair);
        }
        case "RSA PRIVATE KEY", "EC PRIVATE KEY" -> {
          return key(wrapped(block.content, pair), pair);
        }
        case "ENCRYPTED PRIVATE KEY" ->
            throw complaint("the key is encrypted (expected: openssl pkey -in OLD -out NEW)");
        default -> {
          // parameters of a curve, or a certificate in the same file
        }
      }
    }
    throw complaint("no key (expected: -----BEGIN PRIVATE KEY-----)");
  }

  private PrivateKey key(byte[] pkcs8, PublicKey pair) throws GeneralSecurityException {
    try {
      return KeyFactory.getInstance(pair.getAlgorithm())
          .generatePrivate(new PKCS8EncodedKeySpec(pkcs8));
    } catch (GeneralSecurityException e) {
      throw complaint("no " + pair.getAlgorithm() + " key, which is what its certificate is for");
    }
  }

  /**
   * An older form of key within PKCS #8, which tells the algorithm beside it: here that of the
   * public key, whose encoding begins with it.
   */
  private byte[] wrapped(byte[] key, PublicKey pair) throws GeneralSecurityException {
    ByteBuffer encoded = ByteBuffer.wrap(pair.getEncoded());
    enter(encoded);
    int start = encoded.position();
    int length = enter(encoded);
    byte[] algorithm = new byte[encoded.position() + length - start];
    encoded.get(start, algorithm);
    return element(SEQUENCE, VERSION_0, algorithm, element(OCTETS, key));
  }

  /** Goes past the head of an element; returns the length of what follows. */
  private int enter(ByteBuffer der) throws GeneralSecurityException {
    if (der.get() != SEQUENCE) {
      throw complaint("a public key of an unknown form");
    }
    int length = der.get() & 0xff;
    int bytes = length < 0x80 ? 0 : length & 0x7f;
    for (length = bytes == 0 ? length : 0; bytes > 0; bytes--) {
      length = length << 8 | (der.get() & 0xff);
    }
    return length;
  }

  private static byte[] element(int tag, byte[]... parts) {
    int length = 0;
    for (byte[] part : parts) {
      length += part.length;
    }
    ByteBuffer der = ByteBuffer.allocate(length + 4).put((byte) tag);
    if (length >= 0x100) {
      der.put((byte) 0x82).putShort((short) length);
    } else if (length >= 0x80) {
      der.put((byte) 0x81).put((byte) length);
    } else {
      der.put((byte) length);
    }
    for (byte[] part : parts) {
      der.put(part);
    }
    byte[] exact = new byte[der.position()];
    der.get(0, exact);
    return exact;
  }

  private byte[] decode(String base64) throws GeneralSecurityException {
    try {
      return Base64.getMimeDecoder().decode(base64);
    } catch (IllegalArgumentException e) {
      throw complaint("holds what is no base64");
    }
  }

  private GeneralSecurityException complaint(String what) {
    return new GeneralSecurityException(path + ": " + what);
  }
}
