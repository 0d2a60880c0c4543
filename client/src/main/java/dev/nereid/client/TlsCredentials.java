package dev.nereid.client;

import dev.nereid.core.Fault;
import dev.nereid.core.FaultException;
import dev.nereid.core.FollowedFiles;
import dev.nereid.core.KeyMatch;
import io.grpc.ChannelCredentials;
import io.grpc.TlsChannelCredentials;
import io.grpc.util.AdvancedTlsX509KeyManager;
import io.grpc.util.AdvancedTlsX509TrustManager;
import io.grpc.util.CertificateUtils;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.PrivateKey;
import java.security.PublicKey;
import java.security.cert.CertificateException;
import java.security.cert.X509Certificate;
import java.util.Iterator;
import java.util.List;
import java.util.Objects;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What TLS connections to servers begin with; it follows its files. New ones count once they were
 * the same for two looks and fit each other; until then those of before stay in force.
 *
 * <p>{@link #look} is called by one thread; the managers may be used by any.
 */
final class TlsCredentials {
  private static final Logger LOG = LoggerFactory.getLogger(TlsCredentials.class);
  private static final int LARGEST = 1 << 20;

  private final TlsOptions files;
  private final AdvancedTlsX509TrustManager trust;
  private final @Nullable AdvancedTlsX509KeyManager identity;
  private final FollowedFiles content;

  private TlsCredentials(TlsOptions files) throws IOException, GeneralSecurityException {
    this.files = files;
    trust =
        AdvancedTlsX509TrustManager.newBuilder()
            .setVerification(
                AdvancedTlsX509TrustManager.Verification.CERTIFICATE_AND_HOST_NAME_VERIFICATION)
            .build();
    identity = files.certificate() == null ? null : new AdvancedTlsX509KeyManager();
    if (files.roots() == null) {
      trust.useSystemDefaultTrustCerts();
    }
    List<Path> paths =
        Stream.of(files.roots(), files.certificate(), files.key())
            .filter(Objects::nonNull)
            .toList();
    content = new FollowedFiles(paths, LARGEST, this::take);
  }

  /**
   * Reads the files.
   *
   * @throws FaultException INVALID_ARGUMENT when one is missing or wrong
   */
  static TlsCredentials open(TlsOptions files) {
    try {
      return new TlsCredentials(files);
    } catch (IOException | GeneralSecurityException | IllegalArgumentException e) {
      throw new FaultException(Fault.INVALID_ARGUMENT.with("upstream TLS: " + e.getMessage()), e);
    }
  }

  /** What a channel is made with. */
  ChannelCredentials channel() {
    TlsChannelCredentials.Builder builder = TlsChannelCredentials.newBuilder().trustManager(trust);
    if (identity != null) {
      builder.keyManager(identity);
    }
    return builder.build();
  }

  /** Reads the files again, and takes what they hold if it may count. */
  void look() {
    var _ =
        content.look(
            () -> LOG.info("upstream TLS: new files are in force for new connections"),
            complaint -> LOG.warn("upstream TLS: new files are not taken: {}", complaint));
  }

  private void take(List<byte[]> contents) throws GeneralSecurityException {
    Iterator<byte[]> next = contents.iterator();
    X509Certificate[] roots =
        files.roots() == null ? null : certificates(files.roots(), next.next());
    if (identity != null && files.certificate() != null) {
      X509Certificate[] chain = certificates(files.certificate(), next.next());
      PrivateKey key = key(next.next());
      requirePair(key, chain[0].getPublicKey());
      identity.updateIdentityCredentials(chain, key);
    }
    if (roots != null) {
      put(roots);
    }
  }

  private void put(X509Certificate[] roots) throws GeneralSecurityException {
    try {
      trust.updateTrustCredentials(roots);
    } catch (IOException e) {
      throw new GeneralSecurityException(files.roots() + ": " + e.getMessage(), e);
    }
  }

  private static X509Certificate[] certificates(Path file, byte[] content)
      throws GeneralSecurityException {
    try {
      X509Certificate[] found =
          CertificateUtils.getX509Certificates(new ByteArrayInputStream(content));
      if (found.length > 0) {
        return found;
      }
    } catch (CertificateException e) {
      throw new GeneralSecurityException(file + ": no certificate (expected: PEM)", e);
    }
    throw new GeneralSecurityException(file + ": no certificate (expected: PEM)");
  }

  private PrivateKey key(byte[] content) throws GeneralSecurityException {
    try {
      return CertificateUtils.getPrivateKey(new ByteArrayInputStream(content));
    } catch (IOException | IllegalArgumentException | GeneralSecurityException e) {
      throw new GeneralSecurityException(
          files.key() + ": no private key (expected: PEM, PKCS #8, unencrypted)", e);
    }
  }

  private void requirePair(PrivateKey secret, PublicKey known) throws GeneralSecurityException {
    if (!KeyMatch.isPair(secret, known)) {
      throw new GeneralSecurityException(
          files.key() + ": not the key of the first certificate in " + files.certificate());
    }
  }
}
