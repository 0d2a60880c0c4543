package dev.nereid.http;

import dev.nereid.core.Fault;
import dev.nereid.core.FaultException;
import dev.nereid.core.FollowedFiles;
import dev.nereid.core.FollowedFiles.Look;
import dev.nereid.telemetry.Counter;
import dev.nereid.telemetry.Meter;
import dev.nereid.telemetry.Metrics;
import io.netty.handler.ssl.OpenSsl;
import io.netty.handler.ssl.SslContext;
import io.netty.handler.ssl.SslProvider;
import io.netty.util.ReferenceCountUtil;
import java.security.GeneralSecurityException;
import java.time.Instant;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The TLS of one listener, which follows its files: a connection begins with what they held last,
 * and keeps that until it ends.
 *
 * <p>New files count once they have been the same for two looks, fit each other, and hold a
 * certificate that is valid now; until then those of before stay in force, and the reason is logged
 * once. BoringSSL does the work where its native part loads, else the JDK.
 *
 * <p>Thread-safe. Closed after the listener.
 */
public final class ListenerTls implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(ListenerTls.class);

  private final String listener;
  private final TlsFiles files;
  private final Offer offer;
  private final SslProvider provider;
  private final Counter changes;
  private final Counter refusals;
  private final FollowingSslContext context;
  private final FollowedFiles content; // guarded by this
  private volatile TlsMaterial.@Nullable Made made;

  /** Which protocols are offered over TLS. */
  public enum Offer {
    /** Of a listener that speaks HTTP. */
    HTTP("h2", "http/1.1"),
    /** Of a gRPC listener. */
    GRPC("h2");

    @SuppressWarnings("ImmutableEnumChecker") // made by List.of
    private final List<String> protocols;

    Offer(String... protocols) {
      this.protocols = List.of(protocols);
    }
  }

  /**
   * Reads the files.
   *
   * @param listener its name in messages and metrics
   * @throws FaultException INVALID_ARGUMENT when a file is missing or wrong
   */
  public ListenerTls(String listener, TlsFiles files, Offer offer, Metrics metrics) {
    this(
        listener,
        files,
        offer,
        metrics,
        OpenSsl.isAvailable() ? SslProvider.OPENSSL_REFCNT : SslProvider.JDK);
  }

  ListenerTls(String listener, TlsFiles files, Offer offer, Metrics metrics, SslProvider provider) {
    this.listener = listener;
    this.files = files;
    this.offer = offer;
    this.provider = provider;
    try {
      content = new FollowedFiles(TlsMaterial.paths(files), TlsMaterial.LARGEST_FILE, this::take);
    } catch (GeneralSecurityException | IllegalArgumentException e) {
      throw new FaultException(
          Fault.INVALID_ARGUMENT.with(listener + ": TLS: " + e.getMessage()), e);
    }
    context = new FollowingSslContext(() -> made().context());
    changes = metrics.counter(Meter.TLS_RELOADS, listener, "taken");
    refusals = metrics.counter(Meter.TLS_RELOADS, listener, "refused");
    metrics.gauge(Meter.TLS_NOT_AFTER, () -> notAfter().getEpochSecond(), listener);
    tell();
  }

  /** What connections begin with; always the same object, which follows the files. */
  public SslContext context() {
    return context;
  }

  /** When the certificate in force expires. */
  public Instant notAfter() {
    return made().notAfter();
  }

  /** Reads the files again, and takes what they hold if it may count. May block. */
  public synchronized Look look() {
    return content.look(
        () -> {
          changes.increment();
          tell();
        },
        complaint -> {
          refusals.increment();
          LOG.warn(
              "{}: new TLS files are not taken, the certificate until {} stays in force: {}",
              listener,
              notAfter(),
              complaint);
        });
  }

  /** Takes what the files hold; at the start even a certificate that is not valid now. */
  private void take(List<byte[]> contents) throws GeneralSecurityException {
    TlsMaterial.Made fresh = TlsMaterial.of(files, contents).make(offer.protocols, provider);
    TlsMaterial.Made old = made;
    Instant now = Instant.now();
    if (old != null && (now.isAfter(fresh.notAfter()) || now.isBefore(fresh.notBefore()))) {
      ReferenceCountUtil.release(fresh.context());
      throw new GeneralSecurityException(
          "%s: valid from %s to %s, which is not now"
              .formatted(files.certificate(), fresh.notBefore(), fresh.notAfter()));
    }
    made = fresh;
    if (old != null) {
      ReferenceCountUtil.release(old.context()); // connections that live on hold it, too
    }
  }

  private TlsMaterial.Made made() {
    return Objects.requireNonNull(made);
  }

  private void tell() {
    LOG.info(
        "{}: TLS{} by {}, certificate of {} until {}",
        listener,
        files.mutual() ? " with certificates of clients" : "",
        provider == SslProvider.JDK ? "the JDK" : "BoringSSL",
        made().leaf().getSubjectX500Principal(),
        notAfter());
    if (Instant.now().isAfter(notAfter())) {
      LOG.error("{}: the TLS certificate has expired; clients will refuse it", listener);
    }
  }

  @Override
  public void close() {
    ReferenceCountUtil.release(made().context());
  }
}
