package dev.nereid.http;

import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/**
 * Which files a listener's TLS is made of, all in PEM.
 *
 * @param certificate the server's own first, then what leads to a root
 * @param key of the first certificate: PKCS #8, or the older forms of RSA and EC keys, unencrypted
 * @param roots who may sign the certificates of clients; null when none are asked for
 * @param mutual whether clients must show a certificate
 */
public record TlsFiles(Path certificate, Path key, @Nullable Path roots, boolean mutual) {
  public TlsFiles {
    if (mutual && roots == null) {
      throw new IllegalArgumentException("roots: null (expected: a file, for mutual TLS)");
    }
  }

  /** TLS in which only the server shows a certificate. */
  public static TlsFiles of(Path certificate, Path key) {
    return new TlsFiles(certificate, key, null, false);
  }

  /** TLS in which clients must show a certificate that leads to one of these roots. */
  public static TlsFiles mutual(Path certificate, Path key, Path roots) {
    return new TlsFiles(certificate, key, roots, true);
  }
}
