package dev.nereid.client;

import io.grpc.netty.GrpcSslContexts;
import io.netty.handler.ssl.SslContext;
import io.netty.handler.ssl.SslContextBuilder;
import java.nio.file.Path;
import javax.net.ssl.SSLException;
import org.jspecify.annotations.Nullable;

/**
 * How a client makes sure of its server, and shows who it is. The server's certificate must be
 * signed by a root that is trusted and be made out to whom is connected to. Files are PEM. A {@link
 * ChannelRegistry} reads them again when they change; other clients read them when they are made.
 *
 * @param roots who may sign the server's certificate; null for those that the JVM trusts
 * @param certificate the client's own, then what leads to a root; null to show none
 * @param key of that certificate, unencrypted PKCS #8; null with it
 * @param serverName whom the server's certificate must be for; null for the endpoint's host
 */
public record TlsOptions(
    @Nullable Path roots,
    @Nullable Path certificate,
    @Nullable Path key,
    @Nullable String serverName) {
  /** The roots that the JVM trusts, and no certificate of its own. */
  public static final TlsOptions DEFAULT = new TlsOptions(null, null, null, null);

  public TlsOptions {
    if ((certificate == null) != (key == null)) {
      throw new IllegalArgumentException(
          "certificate, key: %s, %s (expected: both or none)".formatted(certificate, key));
    }
  }

  /** Trusts these roots and nobody else. */
  public static TlsOptions trusting(Path roots) {
    return new TlsOptions(roots, null, null, null);
  }

  /** The same, and shows this certificate to servers that ask for one (mutual TLS). */
  public TlsOptions showing(Path own, Path itsKey) {
    return new TlsOptions(roots, own, itsKey, serverName);
  }

  /** The same for a server whose certificate is for that name, whatever the endpoint's host. */
  public TlsOptions expecting(String name) {
    return new TlsOptions(roots, certificate, key, name);
  }

  /** Whom the certificate of a server there must be for. */
  String nameOf(Endpoint server) {
    return serverName == null ? server.host() : serverName;
  }

  SslContext overHttp() {
    return build(builder());
  }

  SslContext overGrpc() {
    return build(GrpcSslContexts.configure(builder()));
  }

  private SslContextBuilder builder() {
    try {
      SslContextBuilder builder =
          SslContextBuilder.forClient().endpointIdentificationAlgorithm("HTTPS");
      if (roots != null) {
        builder.trustManager(roots.toFile());
      }
      if (certificate != null && key != null) {
        builder.keyManager(certificate.toFile(), key.toFile());
      }
      return builder;
    } catch (IllegalArgumentException e) {
      throw unusable(e);
    }
  }

  private SslContext build(SslContextBuilder builder) {
    try {
      return builder.build();
    } catch (SSLException | IllegalArgumentException e) {
      throw unusable(e);
    }
  }

  private IllegalArgumentException unusable(Exception e) {
    return new IllegalArgumentException(
        "%s: %s (expected: PEM files that can be read)".formatted(this, e.getMessage()), e);
  }
}
