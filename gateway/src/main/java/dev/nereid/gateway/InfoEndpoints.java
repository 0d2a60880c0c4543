package dev.nereid.gateway;

import dev.nereid.access.Caller;
import dev.nereid.access.Role;
import dev.nereid.core.FaultException;
import dev.nereid.engine.IndexEntry;
import dev.nereid.http.HttpExchange;
import dev.nereid.http.ListenerOptions;
import dev.nereid.http.ResponseHeaders;
import dev.nereid.image.ImageFormat;
import dev.nereid.image.ImageLimits;
import io.netty.buffer.Unpooled;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Locale;
import java.util.function.Consumer;
import tools.jackson.core.JsonGenerator;

/** What the gateway tells of itself. */
final class InfoEndpoints {
  private static final ResponseHeaders METRICS =
      ResponseHeaders.of("content-type", "text/plain; version=0.0.4; charset=utf-8");

  private final Serving serving;
  private final GatewayOptions options;
  private final GatewayMetrics metrics;

  InfoEndpoints(Serving serving, GatewayOptions options, GatewayMetrics metrics) {
    this.serving = serving;
    this.options = options;
    this.metrics = metrics;
  }

  /** Whether inference is offered, and the state of each model; 503 while it is not. */
  void health(HttpExchange exchange) {
    Serving.Health health = serving.health();
    List<IndexEntry> index = serving.index();
    respond(
        exchange,
        health.serving() ? 200 : 503,
        json -> {
          json.writeStringProperty("status", health.status());
          if (!exchange.caller().may(Role.INFERENCE) && !exchange.caller().may(Role.METRICS)) {
            return; // strangers learn no more
          }
          if (!health.serving()) {
            json.writeStringProperty("detail", health.reason());
          }
          json.writeStringProperty("version", options.version());
          json.writeObjectPropertyStart("models");
          for (IndexEntry entry : index) {
            json.writeStringProperty(entry.model(), entry.state().name());
          }
          json.writeEndObject();
          HealthReport.write(json, health, serving.upstreams(), options);
        });
  }

  /** Whether the process answers at all. */
  void alive(HttpExchange exchange) {
    respond(exchange, 200, json -> json.writeStringProperty("status", "ok"));
  }

  /** Who asks, and what they may do: what a page offers depends on it. */
  void caller(HttpExchange exchange) {
    Caller caller = exchange.caller();
    respond(
        exchange,
        200,
        json -> {
          json.writeStringProperty("name", caller.name());
          json.writeArrayPropertyStart("roles");
          for (Role role : Role.values()) {
            if (caller.may(role)) {
              json.writeString(role.typed());
            }
          }
          json.writeEndArray();
        });
  }

  /** The limits that requests must keep. */
  void limits(HttpExchange exchange) {
    respond(exchange, 200, json -> limits(json, options));
  }

  /**
   * Writes the limits that requests must keep: bytes, counts, seconds, and what pictures may be
   * unless a model's configuration says otherwise.
   */
  static void limits(JsonGenerator json, GatewayOptions options) {
    ListenerOptions.Limits limits = options.listener().limits();
    ListenerOptions.Timeouts timeouts = options.listener().timeouts();
    json.writeNumberProperty("body_bytes", limits.bodyBytes());
    json.writeNumberProperty("batch_images", options.batchImages());
    json.writeNumberProperty("stream_images", options.streamImages());
    json.writeNumberProperty("archive_bytes", ArchiveUpload.unpackedBytes(limits.bodyBytes()));
    json.writeNumberProperty("in_flight_requests", limits.inFlightRequests());
    json.writeNumberProperty("in_flight_bytes", limits.inFlightBytes());
    json.writeNumberProperty("connections", limits.connections());
    json.writeNumberProperty("header_bytes", limits.headerBytes());
    json.writeNumberProperty("read_seconds", timeouts.read().toMillis() / 1000.0);
    json.writeNumberProperty("idle_seconds", timeouts.idle().toMillis() / 1000.0);
    json.writeNumberProperty("request_seconds", timeouts.request().toMillis() / 1000.0);
    json.writeNumberProperty("image_pixels", ImageLimits.DEFAULT.maxPixels());
    json.writeNumberProperty("image_side", ImageLimits.DEFAULT.maxSide());
    json.writeArrayPropertyStart("image_formats");
    for (ImageFormat format : ImageFormat.values()) {
      json.writeString(format.name().toLowerCase(Locale.ROOT));
    }
    json.writeEndArray();
  }

  /** The models that take pictures. */
  void models(HttpExchange exchange) {
    List<IndexEntry> index = serving.index();
    respond(
        exchange,
        200,
        json -> {
          json.writeArrayPropertyStart("models");
          for (IndexEntry entry : index) {
            if (entry.state() == IndexEntry.State.READY) {
              model(json, entry.model());
            }
          }
          json.writeEndArray();
        });
  }

  /** All numbers of the process, for Prometheus. */
  void metrics(HttpExchange exchange) {
    byte[] text = metrics.scrape().getBytes(StandardCharsets.UTF_8);
    exchange.respond(200, METRICS, Unpooled.wrappedBuffer(text));
  }

  private void model(JsonGenerator json, String name) {
    ImageModel model;
    try {
      if (ImageModel.taskOf(serving.config(name, -1)) == null) {
        return;
      }
      model = ImageModel.of(serving, name, -1);
    } catch (FaultException e) {
      return; // unloaded meanwhile
    }
    json.writeStartObject();
    json.writeStringProperty("name", name);
    json.writeStringProperty("task", model.task().wireName());
    json.writeNumberProperty("size", model.size());
    json.writeArrayPropertyStart("labels");
    model.labels().forEach(json::writeString);
    json.writeEndArray();
    json.writeEndObject();
  }

  private static void respond(HttpExchange exchange, int status, Consumer<JsonGenerator> content) {
    exchange.respond(status, GatewayErrors.headers(status), JsonReply.object(content));
  }
}
