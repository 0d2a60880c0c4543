package dev.nereid.gateway;

import dev.nereid.core.Failure;
import dev.nereid.core.Fault;
import dev.nereid.core.FaultException;
import dev.nereid.core.InferResponse;
import dev.nereid.core.Timings;
import dev.nereid.core.TraceSpan;
import dev.nereid.http.BodySource;
import dev.nereid.http.HttpExchange;
import dev.nereid.http.ResponseHeaders;
import io.netty.buffer.ByteBuf;
import java.util.List;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import tools.jackson.core.JsonGenerator;

/** One request to an inference endpoint, and how it is answered: timed, counted, in one shape. */
final class GatewayCall {
  private static final Logger LOG = LoggerFactory.getLogger(GatewayCall.class);

  /** Names the arm of its model's traffic that answered. */
  private static final String ARM = "x-traffic-arm";

  private final HttpExchange exchange;
  private final String endpoint;
  private final GatewayMetrics metrics;
  private final @Nullable PayloadSamples payloads;
  private PayloadSamples.@Nullable Sample sample;
  private @Nullable String cached;
  private @Nullable String arm;
  private Traffic.@Nullable ArmCounts counts;

  /**
   * A call that has come.
   *
   * @param payloads the share of calls that is written down; null for none
   */
  GatewayCall(
      HttpExchange exchange,
      String endpoint,
      GatewayMetrics metrics,
      @Nullable PayloadSamples payloads) {
    this.exchange = exchange;
    this.endpoint = endpoint;
    this.metrics = metrics;
    this.payloads = payloads;
    metrics.began();
  }

  HttpExchange exchange() {
    return exchange;
  }

  long elapsedNanos() {
    return metrics.nanos() - exchange.receivedNanos();
  }

  boolean isLate() {
    return metrics.nanos() > exchange.deadlineNanos();
  }

  /** Tells which arm of its model's traffic the request goes to, before the answer. */
  void arm(String name, Traffic.ArmCounts counted) {
    arm = name;
    tell("nereid.traffic_arm", name);
    counts = counted;
  }

  /** Tells where the results come from, before the answer; null where no cache was asked. */
  void cached(@Nullable String word) {
    cached = word;
    if (word != null) {
      tell("nereid.cache", word);
    }
  }

  private void tell(String key, String value) {
    TraceSpan span = exchange.span();
    if (span != null) {
      span.tell(key, value);
    }
  }

  /** Its pictures are here; with its answer they may be among those that are written down. */
  void brought(List<Item> items) {
    sample = payloads == null ? null : payloads.take(exchange, items);
  }

  /** Writes down a picture whose result is sent by itself; null where it is not to be. */
  PayloadSamples.@Nullable Sample sampleOf(Item.Picture picture) {
    return payloads == null ? null : payloads.take(exchange, List.of(picture));
  }

  /** One of its pictures was answered. */
  void answered(InferResponse response) {
    metrics.answered(response.timings());
    exchange.model(response.model(), response.version());
  }

  /** Answers with an object, to which the time it took is added. */
  void respond(int status, Timings timings, Consumer<JsonGenerator> content) {
    long nanos = elapsedNanos();
    ByteBuf body;
    try {
      body =
          JsonReply.object(
              json -> {
                content.accept(json);
                json.writeNumberProperty("total_time_ms", JsonReply.millis(nanos));
              });
    } catch (RuntimeException e) {
      fail(e);
      return;
    }
    ended(status, nanos);
    if (sample != null) {
      sample.answered(status, body.retainedDuplicate());
      sample = null;
    }
    exchange.timings(timings);
    exchange.respond(status, timed(GatewayErrors.headers(status), nanos, timings), body);
  }

  /**
   * Answers with a body that is made while it is written, and tells {@link #streamed} at its end.
   */
  void stream(ResponseHeaders headers, BodySource body) {
    exchange.respond(200, arm == null ? headers : headers.with(ARM, arm), body);
  }

  /**
   * Counts an answer that was made while it was written.
   *
   * @param whole whether the client took all of it
   */
  void streamed(boolean whole) {
    ended(whole ? 200 : GatewayErrors.status(Fault.CANCELLED), elapsedNanos());
  }

  private void ended(int status, long nanos) {
    metrics.ended(endpoint, status, nanos);
    if (counts != null) {
      counts.ended(status, nanos);
    }
  }

  /** Answers with a failure. */
  void fail(Failure failure) {
    int status = GatewayErrors.status(failure.fault());
    exchange.failed(status, failure);
    respond(
        status,
        Timings.NONE,
        json -> JsonReply.error(json, GatewayErrors.code(failure.fault()), failure.message()));
  }

  /** Answers with what went wrong; what the caller did not cause is told to the log alone. */
  void fail(RuntimeException failure) {
    if (failure instanceof FaultException fault) {
      fail(fault.failure());
    } else {
      LOG.error("{} {} failed", exchange.method(), exchange.path(), failure);
      fail(Fault.INTERNAL.with("the server failed on this request"));
    }
  }

  private ResponseHeaders timed(ResponseHeaders headers, long nanos, Timings timings) {
    ResponseHeaders timed = headers.with("x-process-time", decimal(nanos) + "ms");
    if (cached != null) {
      timed = timed.with("x-cache", cached);
    }
    if (arm != null) {
      timed = timed.with(ARM, arm);
    }
    return timings.isKnown()
        ? timed.withTiming(timings, metrics.nanos() - timings.ended(), elapsedNanos())
        : timed;
  }

  private static String decimal(long nanos) {
    long hundredths = Math.max(0, (nanos + 5_000) / 10_000);
    long rest = hundredths % 100;
    return hundredths / 100 + (rest < 10 ? ".0" : ".") + rest;
  }
}
