package dev.nereid.http;

import dev.nereid.core.KeyMatch;
import io.netty.handler.codec.http2.Http2SecurityUtil;
import io.netty.handler.ssl.ApplicationProtocolConfig;
import io.netty.handler.ssl.ApplicationProtocolConfig.Protocol;
import io.netty.handler.ssl.ApplicationProtocolConfig.SelectedListenerFailureBehavior;
import io.netty.handler.ssl.ApplicationProtocolConfig.SelectorFailureBehavior;
import io.netty.handler.ssl.ClientAuth;
import io.netty.handler.ssl.SslContext;
import io.netty.handler.ssl.SslContextBuilder;
import io.netty.handler.ssl.SslProvider;
import io.netty.handler.ssl.SupportedCipherSuiteFilter;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.AccessDeniedException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.MessageDigest;
import java.security.PrivateKey;
import java.security.PublicKey;
import java.security.cert.X509Certificate;
import java.time.Instant;
import java.util.HexFormat;
import java.util.List;

/** What the files of a listener's TLS held when they were read. */
@SuppressWarnings("ArrayRecordComponent") // compared by its digest alone
record TlsMaterial(TlsFiles files, byte[] certificate, byte[] key, byte[] roots, String digest) {
  private static final int LARGEST_FILE = 1 << 20;
  private static final String[] VERSIONS = {"TLSv1.3", "TLSv1.2"};

  /** Reads the files as they are now. */
  static TlsMaterial read(TlsFiles files) throws GeneralSecurityException {
    byte[] certificate = content(files.certificate());
    byte[] key = content(files.key());
    byte[] roots = files.roots() == null ? new byte[0] : content(files.roots());
    MessageDigest digest = MessageDigest.getInstance("SHA-256");
    for (byte[] file : List.of(certificate, key, roots)) {
      digest.update(Integer.toString(file.length).getBytes(StandardCharsets.UTF_8));
      digest.update(file);
    }
    return new TlsMaterial(
        files, certificate, key, roots, HexFormat.of().formatHex(digest.digest()));
  }

  /** A context that was made of the files, and the certificate that clients see. */
  record Made(SslContext context, X509Certificate leaf) {
    Instant notAfter() {
      return leaf.getNotAfter().toInstant();
    }

    Instant notBefore() {
      return leaf.getNotBefore().toInstant();
    }
  }

  /**
   * Checks that the files fit each other, and makes what connections begin with.
   *
   * @param protocols that are offered over TLS, the preferred one first
   * @param provider whose TLS it is
   */
  Made make(List<String> protocols, SslProvider provider) throws GeneralSecurityException {
    List<X509Certificate> chain = new PemFile(files.certificate(), certificate).certificates();
    X509Certificate leaf = chain.getFirst();
    PrivateKey secret = new PemFile(files.key(), key).key(leaf.getPublicKey());
    requirePair(secret, leaf.getPublicKey());
    SslContextBuilder builder =
        SslContextBuilder.forServer(secret, chain.toArray(X509Certificate[]::new))
            .sslProvider(provider)
            .protocols(VERSIONS)
            .ciphers(Http2SecurityUtil.CIPHERS, SupportedCipherSuiteFilter.INSTANCE)
            .applicationProtocolConfig(
                new ApplicationProtocolConfig(
                    Protocol.ALPN,
                    SelectorFailureBehavior.NO_ADVERTISE,
                    SelectedListenerFailureBehavior.ACCEPT,
                    protocols));
    Path trusted = files.roots();
    if (files.mutual() && trusted != null) {
      List<X509Certificate> signers = new PemFile(trusted, roots).certificates();
      builder.clientAuth(ClientAuth.REQUIRE).trustManager(signers.toArray(X509Certificate[]::new));
    }
    try {
      return new Made(builder.build(), leaf);
    } catch (javax.net.ssl.SSLException e) {
      throw new GeneralSecurityException(
          files.certificate() + ": not fit for TLS: " + e.getMessage(), e);
    }
  }

  private void requirePair(PrivateKey secret, PublicKey known) throws GeneralSecurityException {
    if (!KeyMatch.isPair(secret, known)) {
      throw new GeneralSecurityException(
          files.key() + ": not the key of the first certificate in " + files.certificate());
    }
  }

  private static byte[] content(Path file) throws GeneralSecurityException {
    try {
      if (Files.size(file) > LARGEST_FILE) {
        throw new GeneralSecurityException(
            file + ": " + Files.size(file) + " bytes (expected: at most " + LARGEST_FILE + ")");
      }
      return Files.readAllBytes(file);
    } catch (NoSuchFileException e) {
      throw new GeneralSecurityException(file + ": no such file", e);
    } catch (AccessDeniedException e) {
      throw new GeneralSecurityException(file + ": permission denied", e);
    } catch (IOException e) {
      throw new GeneralSecurityException(file + ": cannot be read: " + e.getMessage(), e);
    }
  }
}
