package dev.nereid.access;

import dev.nereid.telemetry.Counter;
import dev.nereid.telemetry.Meter;
import dev.nereid.telemetry.Metrics;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.time.Duration;
import java.util.Arrays;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Asks an issuer for its public keys, again and again. While it does not answer, the keys of before
 * stay in force. Confined to the thread that looks.
 */
final class KeyFetch implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(KeyFetch.class);
  private static final int LARGEST = 1 << 20;
  private static final Duration PATIENCE = Duration.ofSeconds(5);

  /** How soon it is asked again after it failed, or when a token names a key that is not known. */
  private static final long SOON_NANOS = TimeUnit.SECONDS.toNanos(5);

  private final URI address;
  private final long everyNanos;
  private final Consumer<TokenKeys> take;
  private final Counter taken;
  private final Counter refused;
  private final HttpClient client =
      HttpClient.newBuilder()
          .connectTimeout(PATIENCE)
          .followRedirects(HttpClient.Redirect.NEVER)
          .build();
  private byte[] inForce = new byte[0];
  private String lastComplaint = "";
  private boolean asked;
  private boolean failed;
  private long askedNanos;

  KeyFetch(URI address, Duration every, Consumer<TokenKeys> take, Metrics metrics) {
    this.address = address;
    this.everyNanos = every.toNanos();
    this.take = take;
    taken = metrics.counter(Meter.ACCESS_RELOADS, "jwt-keys", "taken");
    refused = metrics.counter(Meter.ACCESS_RELOADS, "jwt-keys", "refused");
  }

  /**
   * Asks, if it is time.
   *
   * @param hurried whether a key is missing
   */
  void look(boolean hurried) throws InterruptedException {
    long since = System.nanoTime() - askedNanos;
    long due = hurried || failed ? Math.min(SOON_NANOS, everyNanos) : everyNanos;
    if (asked && since < due) {
      return;
    }
    asked = true;
    askedNanos = System.nanoTime();
    try {
      takeNow(ask());
      failed = false;
      lastComplaint = "";
    } catch (IllegalArgumentException e) {
      failed = true;
      complain(String.valueOf(e.getMessage()));
    }
  }

  private void takeNow(byte[] content) {
    if (!Arrays.equals(content, inForce)) {
      take.accept(TokenKeys.parse(content));
      inForce = content;
      taken.increment();
      LOG.info("Keys for tokens of {} are in force", address);
    }
  }

  private byte[] ask() throws InterruptedException {
    HttpRequest request =
        HttpRequest.newBuilder(address)
            .timeout(PATIENCE)
            .header("accept", "application/jwk-set+json, application/json")
            .build();
    CompletableFuture<HttpResponse<byte[]>> answer =
        client.sendAsync(request, BodyHandlers.limiting(BodyHandlers.ofByteArray(), LARGEST));
    try {
      HttpResponse<byte[]> response = answer.get(2 * PATIENCE.toMillis(), TimeUnit.MILLISECONDS);
      if (response.statusCode() != 200) {
        throw new IllegalArgumentException("status " + response.statusCode() + " (expected: 200)");
      }
      return response.body();
    } catch (TimeoutException e) {
      answer.cancel(true);
      throw new IllegalArgumentException("no answer in time", e);
    } catch (ExecutionException e) {
      throw new IllegalArgumentException(String.valueOf(e.getCause()), e);
    }
  }

  private void complain(String why) {
    if (!why.equals(lastComplaint)) {
      lastComplaint = why;
      refused.increment();
      LOG.error(
          "{}: {}; {}",
          address,
          why,
          inForce.length == 0 ? "tokens cannot be checked" : "the keys of before stay in force");
    }
  }

  @Override
  public void close() {
    client.shutdownNow();
  }
}
