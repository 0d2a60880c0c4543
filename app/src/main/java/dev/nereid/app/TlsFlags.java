package dev.nereid.app;

import dev.nereid.http.TlsFiles;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** Options of TLS, of each listener by itself. Files that are left out are those of gRPC. */
final class TlsFlags {
  @Mixin private Grpc grpc = new Grpc();

  @Mixin private Http http = new Http();

  @Mixin private Metrics metrics = new Metrics();

  @Mixin private Gateway gateway = new Gateway();

  /** Of the v2 protocol over gRPC; null for plain text. */
  @Nullable TlsFiles grpc() {
    return files("grpc", grpc.said());
  }

  /** Of the v2 protocol over HTTP; null for plain text. */
  @Nullable TlsFiles http() {
    return files("http", http.said());
  }

  /** Of the metrics; null for plain text. */
  @Nullable TlsFiles metrics() {
    return files("metrics", metrics.said());
  }

  /** Of the image gateway; null for plain text. */
  @Nullable TlsFiles gateway() {
    return files("gateway", gateway.said());
  }

  /** What was said of one listener. */
  private record Said(
      boolean ssl,
      boolean mutual,
      @Nullable Path certificate,
      @Nullable Path key,
      @Nullable Path roots) {}

  private @Nullable TlsFiles files(String listener, Said said) {
    Said usual = grpc.said();
    if (!said.ssl && !said.mutual) {
      return null;
    }
    Path certificate = said.certificate == null ? usual.certificate : said.certificate;
    Path key = said.key == null ? usual.key : said.key;
    Path roots = said.roots == null ? usual.roots : said.roots;
    if (certificate == null) {
      throw missing(listener, "server-cert");
    }
    if (key == null) {
      throw missing(listener, "server-key");
    }
    if (said.mutual && roots == null) {
      throw missing(listener, "root-cert");
    }
    return new TlsFiles(certificate, key, roots, said.mutual);
  }

  private static Mishap missing(String listener, String file) {
    return new Mishap("--%s-%s: none (expected: a PEM file, for TLS)".formatted(listener, file));
  }

  /** Of gRPC. */
  static final class Grpc {
    @Option(
        names = "--grpc-use-ssl",
        paramLabel = "BOOL",
        converter = OnOff.class,
        arity = "1",
        description = "Whether it speaks TLS (${DEFAULT-VALUE}).")
    private boolean ssl;

    @Option(
        names = "--grpc-use-ssl-mutual",
        paramLabel = "BOOL",
        converter = OnOff.class,
        arity = "1",
        description = "Whether clients must show a certificate; means TLS (${DEFAULT-VALUE}).")
    private boolean mutual;

    @Option(
        names = "--grpc-server-cert",
        paramLabel = "FILE",
        description =
            "The server's certificate, then what leads to a root, as PEM (required for TLS).")
    private @Nullable Path certificate;

    @Option(
        names = "--grpc-server-key",
        paramLabel = "FILE",
        description = "The key of that certificate, as PEM (required for TLS).")
    private @Nullable Path key;

    @Option(
        names = "--grpc-root-cert",
        paramLabel = "FILE",
        description = "Who may sign the certificates of clients, as PEM.")
    private @Nullable Path roots;

    private Said said() {
      return new Said(ssl, mutual, certificate, key, roots);
    }
  }

  /** Of v2 over HTTP. */
  static final class Http {
    @Option(
        names = "--http-use-ssl",
        paramLabel = "BOOL",
        converter = OnOff.class,
        arity = "1",
        description = "Whether it speaks TLS (${DEFAULT-VALUE}).")
    private boolean ssl;

    @Option(
        names = "--http-use-ssl-mutual",
        paramLabel = "BOOL",
        converter = OnOff.class,
        arity = "1",
        description = "Whether clients must show a certificate; means TLS (${DEFAULT-VALUE}).")
    private boolean mutual;

    @Option(
        names = "--http-server-cert",
        paramLabel = "FILE",
        description =
            "The server's certificate, then what leads to a root, as PEM (default: gRPC's).")
    private @Nullable Path certificate;

    @Option(
        names = "--http-server-key",
        paramLabel = "FILE",
        description = "The key of that certificate, as PEM (default: gRPC's).")
    private @Nullable Path key;

    @Option(
        names = "--http-root-cert",
        paramLabel = "FILE",
        description = "Who may sign the certificates of clients, as PEM (default: gRPC's).")
    private @Nullable Path roots;

    private Said said() {
      return new Said(ssl, mutual, certificate, key, roots);
    }
  }

  /** Of the metrics. */
  static final class Metrics {
    @Option(
        names = "--metrics-use-ssl",
        paramLabel = "BOOL",
        converter = OnOff.class,
        arity = "1",
        description = "Whether it speaks TLS (${DEFAULT-VALUE}).")
    private boolean ssl;

    @Option(
        names = "--metrics-use-ssl-mutual",
        paramLabel = "BOOL",
        converter = OnOff.class,
        arity = "1",
        description = "Whether clients must show a certificate; means TLS (${DEFAULT-VALUE}).")
    private boolean mutual;

    @Option(
        names = "--metrics-server-cert",
        paramLabel = "FILE",
        description =
            "The server's certificate, then what leads to a root, as PEM (default: gRPC's).")
    private @Nullable Path certificate;

    @Option(
        names = "--metrics-server-key",
        paramLabel = "FILE",
        description = "The key of that certificate, as PEM (default: gRPC's).")
    private @Nullable Path key;

    @Option(
        names = "--metrics-root-cert",
        paramLabel = "FILE",
        description = "Who may sign the certificates of clients, as PEM (default: gRPC's).")
    private @Nullable Path roots;

    private Said said() {
      return new Said(ssl, mutual, certificate, key, roots);
    }
  }

  /** Of the image gateway. */
  static final class Gateway {
    @Option(
        names = "--gateway-use-ssl",
        paramLabel = "BOOL",
        converter = OnOff.class,
        arity = "1",
        description = "Whether it speaks TLS (${DEFAULT-VALUE}).")
    private boolean ssl;

    @Option(
        names = "--gateway-use-ssl-mutual",
        paramLabel = "BOOL",
        converter = OnOff.class,
        arity = "1",
        description = "Whether clients must show a certificate; means TLS (${DEFAULT-VALUE}).")
    private boolean mutual;

    @Option(
        names = "--gateway-server-cert",
        paramLabel = "FILE",
        description =
            "The server's certificate, then what leads to a root, as PEM (default: gRPC's).")
    private @Nullable Path certificate;

    @Option(
        names = "--gateway-server-key",
        paramLabel = "FILE",
        description = "The key of that certificate, as PEM (default: gRPC's).")
    private @Nullable Path key;

    @Option(
        names = "--gateway-root-cert",
        paramLabel = "FILE",
        description = "Who may sign the certificates of clients, as PEM (default: gRPC's).")
    private @Nullable Path roots;

    private Said said() {
      return new Said(ssl, mutual, certificate, key, roots);
    }
  }
}
