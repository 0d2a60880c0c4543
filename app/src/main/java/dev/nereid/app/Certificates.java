package dev.nereid.app;

import dev.nereid.app.ServeOptions.Endpoint;
import dev.nereid.http.CertificateWatch;
import dev.nereid.http.ListenerTls;
import dev.nereid.http.ListenerTls.Offer;
import dev.nereid.http.TlsFiles;
import dev.nereid.telemetry.Metrics;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** The TLS of all listeners, whose files are watched. Used by one thread. */
final class Certificates implements AutoCloseable {
  private static final Duration EVERY = Duration.ofSeconds(1);

  private final Metrics metrics;
  private final List<ListenerTls> opened = new ArrayList<>();
  private @Nullable CertificateWatch watch;

  Certificates(Metrics metrics) {
    this.metrics = metrics;
  }

  /**
   * The TLS of a listener; null for plain text.
   *
   * @throws dev.nereid.core.FaultException when its files are missing or wrong
   */
  @Nullable ListenerTls of(String listener, Endpoint endpoint, Offer offer) {
    TlsFiles files = endpoint.tls();
    if (files == null) {
      return null;
    }
    ListenerTls tls = new ListenerTls(listener, files, offer, metrics);
    opened.add(tls);
    return tls;
  }

  /** Begins to look for changed files of what was opened. */
  void watch() {
    if (!opened.isEmpty()) {
      watch = new CertificateWatch(opened, EVERY);
    }
  }

  @Override
  public void close() {
    if (watch != null) {
      watch.close();
    }
    opened.forEach(ListenerTls::close);
  }
}
