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
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.PrivateKey;
import java.security.PublicKey;
import java.security.cert.X509Certificate;
import java.time.Instant;
import java.util.List;

/** What the files of a listener's TLS held when they were read. */
@SuppressWarnings("ArrayRecordComponent") // never compared
record TlsMaterial(TlsFiles files, byte[] certificate, byte[] key, byte[] roots) {
  /** Bytes of a file. */
  static final int LARGEST_FILE = 1 << 20;

  private static final String[] VERSIONS = {"TLSv1.3", "TLSv1.2"};

  /** The files that there are, in the order in which {@link #of} wants their content. */
  static List<Path> paths(TlsFiles files) {
    Path roots = files.roots();
    return roots == null
        ? List.of(files.certificate(), files.key())
        : List.of(files.certificate(), files.key(), roots);
  }

  static TlsMaterial of(TlsFiles files, List<byte[]> contents) {
    byte[] roots = contents.size() < 3 ? new byte[0] : contents.get(2);
    return new TlsMaterial(files, contents.get(0), contents.get(1), roots);
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
}
