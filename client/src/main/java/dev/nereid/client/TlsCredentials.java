package dev.nereid.client;

import dev.nereid.core.Fault;
import dev.nereid.core.FaultException;
import dev.nereid.core.KeyMatch;
import io.grpc.ChannelCredentials;
import io.grpc.TlsChannelCredentials;
import io.grpc.util.AdvancedTlsX509KeyManager;
import io.grpc.util.AdvancedTlsX509TrustManager;
import io.grpc.util.CertificateUtils;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.PrivateKey;
import java.security.PublicKey;
import java.security.cert.CertificateException;
import java.security.cert.X509Certificate;
import java.util.List;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What TLS connections to servers begin with; it follows its files. New ones count once they were
 * the same for two looks and fit each other; until then those of before stay in force.
 *
 * <p>A thread of its own looks at the files; the managers may be used by any.
 */
final class TlsCredentials implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(TlsCredentials.class);
  private static final long LOOK_MILLIS = 1000;

  private final UpstreamTls files;
  private final AdvancedTlsX509TrustManager trust;
  private final @Nullable AdvancedTlsX509KeyManager identity;
  private final ScheduledExecutorService clock =
      Executors.newSingleThreadScheduledExecutor(
          Thread.ofPlatform().daemon().name("nereid-client-tls").factory());

  // confined: the constructing thread, then the clock's
  private List<ByteBuffer> inForce = List.of();
  private List<ByteBuffer> lastSeen = List.of();
  private String lastComplaint = "";

  private TlsCredentials(UpstreamTls files) throws GeneralSecurityException {
    this.files = files;
    trust =
        AdvancedTlsX509TrustManager.newBuilder()
            .setVerification(
                AdvancedTlsX509TrustManager.Verification.CERTIFICATE_AND_HOST_NAME_VERIFICATION)
            .build();
    identity = files.certificate() == null ? null : new AdvancedTlsX509KeyManager();
  }

  /**
   * Reads the files, and begins to look at them.
   *
   * @throws FaultException INVALID_ARGUMENT when one is missing or wrong
   */
  static TlsCredentials open(UpstreamTls files) {
    try {
      TlsCredentials opened = new TlsCredentials(files);
      if (files.roots() == null) {
        opened.trust.useSystemDefaultTrustCerts();
      }
      List<ByteBuffer> content = opened.read();
      opened.take(content);
      opened.begin();
      return opened;
    } catch (IOException | GeneralSecurityException e) {
      throw new FaultException(Fault.INVALID_ARGUMENT.with("upstream TLS: " + e.getMessage()), e);
    }
  }

  private void begin() {
    var _ =
        clock.scheduleWithFixedDelay(this::look, LOOK_MILLIS, LOOK_MILLIS, TimeUnit.MILLISECONDS);
  }

  /** What a channel is made with. */
  ChannelCredentials channel() {
    TlsChannelCredentials.Builder builder = TlsChannelCredentials.newBuilder().trustManager(trust);
    if (identity != null) {
      builder.keyManager(identity);
    }
    return builder.build();
  }

  private void look() {
    try {
      List<ByteBuffer> now = read();
      if (!now.equals(inForce) && now.equals(lastSeen)) {
        take(now);
        LOG.info("upstream TLS: new files are in force for new connections");
      }
      lastSeen = now;
    } catch (IOException | GeneralSecurityException e) {
      lastSeen = List.of();
      String complaint = String.valueOf(e.getMessage());
      if (!complaint.equals(lastComplaint)) {
        lastComplaint = complaint;
        LOG.warn("upstream TLS: new files are not taken: {}", complaint);
      }
    }
  }

  private List<ByteBuffer> read() throws IOException, GeneralSecurityException {
    return List.of(content(files.roots()), content(files.certificate()), content(files.key()));
  }

  private static ByteBuffer content(@Nullable Path file)
      throws IOException, GeneralSecurityException {
    if (file == null) {
      return ByteBuffer.allocate(0);
    }
    try {
      return ByteBuffer.wrap(Files.readAllBytes(file));
    } catch (NoSuchFileException e) {
      throw new GeneralSecurityException(file + ": no such file", e);
    }
  }

  private void take(List<ByteBuffer> content) throws IOException, GeneralSecurityException {
    X509Certificate[] roots = certificates(files.roots(), content.get(0));
    X509Certificate[] chain = certificates(files.certificate(), content.get(1));
    if (identity != null && chain != null) {
      PrivateKey key = key(content.get(2));
      requirePair(key, chain[0].getPublicKey());
      identity.updateIdentityCredentials(chain, key);
    }
    if (roots != null) {
      trust.updateTrustCredentials(roots);
    }
    inForce = content;
    lastComplaint = "";
  }

  private static X509Certificate @Nullable [] certificates(@Nullable Path file, ByteBuffer content)
      throws GeneralSecurityException {
    if (file == null) {
      return null;
    }
    try {
      X509Certificate[] found = CertificateUtils.getX509Certificates(stream(content));
      if (found.length > 0) {
        return found;
      }
    } catch (CertificateException e) {
      throw new GeneralSecurityException(file + ": no certificate (expected: PEM)", e);
    }
    throw new GeneralSecurityException(file + ": no certificate (expected: PEM)");
  }

  private PrivateKey key(ByteBuffer content) throws IOException, GeneralSecurityException {
    try {
      return CertificateUtils.getPrivateKey(stream(content));
    } catch (IllegalArgumentException | GeneralSecurityException e) {
      throw new GeneralSecurityException(
          files.key() + ": no private key (expected: PEM, PKCS #8, unencrypted)", e);
    }
  }

  private static ByteArrayInputStream stream(ByteBuffer content) {
    return new ByteArrayInputStream(content.array(), content.arrayOffset(), content.remaining());
  }

  private void requirePair(PrivateKey secret, PublicKey known) throws GeneralSecurityException {
    if (!KeyMatch.isPair(secret, known)) {
      throw new GeneralSecurityException(
          files.key() + ": not the key of the first certificate in " + files.certificate());
    }
  }

  @Override
  public void close() {
    clock.shutdownNow();
  }
}
