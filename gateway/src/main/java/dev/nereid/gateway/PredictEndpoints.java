package dev.nereid.gateway;

import dev.nereid.client.Lane;
import dev.nereid.core.Failure;
import dev.nereid.core.Fault;
import dev.nereid.core.FaultException;
import dev.nereid.core.MemoryPool;
import dev.nereid.http.HttpExchange;
import java.util.List;
import java.util.concurrent.Executor;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JsonGenerator;

/** Inference on one picture, on several, and embeddings in the form of the similarity service. */
final class PredictEndpoints {
  private final Routes routes;
  private final GatewayOptions options;
  private final GatewayMetrics metrics;
  private final UploadReader uploads;
  private final Executor slowReads;
  private final @Nullable PayloadSamples payloads;

  /**
   * Endpoints over what runs the models.
   *
   * @param memory where pictures are put
   * @param slowReads where bodies are read that take long
   * @param payloads the share of requests that is written down; null for none
   */
  PredictEndpoints(
      Routes routes,
      MemoryPool memory,
      GatewayOptions options,
      GatewayMetrics metrics,
      Executor slowReads,
      @Nullable PayloadSamples payloads) {
    this.routes = routes;
    this.options = options;
    this.metrics = metrics;
    this.uploads = new UploadReader(memory, options.listener().limits().bodyBytes());
    this.slowReads = slowReads;
    this.payloads = payloads;
  }

  /** One picture through a model. */
  void predict(HttpExchange exchange, String endpoint, String model) {
    GatewayCall call = call(exchange, endpoint);
    read(call, 1, upload -> predict(call, model, upload));
  }

  /** Several pictures through a model; each has an outcome of its own. */
  void predictBatch(HttpExchange exchange, String endpoint, String model) {
    GatewayCall call = call(exchange, endpoint);
    StreamFraming framing = StreamFraming.of(exchange);
    if (framing == null) {
      read(call, options.batchImages(), upload -> predictBatch(call, model, upload));
    } else {
      read(
          call,
          options.streamImages(),
          upload -> stream(call, routes.of(model, call, upload), framing, upload));
    }
  }

  /** Embeddings of several pictures: all or none, or each on its own where they are streamed. */
  void embedAll(HttpExchange exchange, String endpoint, String model) {
    GatewayCall call = call(exchange, endpoint);
    StreamFraming framing = StreamFraming.of(exchange);
    if (framing == null) {
      read(call, options.batchImages(), upload -> embedAll(call, model, upload));
    } else {
      read(
          call,
          options.streamImages(),
          upload -> stream(call, embedder(model, call, upload), framing, upload));
    }
  }

  private GatewayCall call(HttpExchange exchange, String endpoint) {
    return new GatewayCall(exchange, endpoint, metrics, payloads);
  }

  private void read(GatewayCall call, int most, Consumer<Upload> next) {
    if (UploadReader.isSlow(call.exchange())) {
      slowReads.execute(() -> readNow(call, most, next));
    } else {
      readNow(call, most, next);
    }
  }

  private void readNow(GatewayCall call, int most, Consumer<Upload> next) {
    Upload upload;
    try {
      upload = uploads.read(call.exchange(), most);
    } catch (RuntimeException e) {
      call.fail(e);
      return;
    }
    try {
      next.accept(upload);
    } catch (RuntimeException e) {
      upload.close();
      call.fail(e);
    }
  }

  private void predict(GatewayCall call, String name, Upload upload) {
    call.brought(upload.items());
    Route route = routes.of(name, call, upload);
    if (upload.items().getFirst() instanceof Item.Unreadable unreadable) {
      throw unreadable.failure().exception();
    }
    CallOptions asked = CallOptions.of(call.exchange(), upload.fields(), Lane.NORMAL);
    Inference.start(
        call,
        route,
        asked,
        upload.items(),
        (model, outcomes) -> {
          Rendering rendering = new Rendering(model, asked.maxDetections());
          switch (outcomes.getFirst()) {
            case Outcome.Failed failed -> call.fail(failed.failure());
            case Outcome.Answered answered ->
                call.respond(
                    200,
                    answered.response().timings(),
                    json -> {
                      rendering.result(json, answered.item(), answered.response());
                      rendering.about(json);
                    });
          }
        });
  }

  private void predictBatch(GatewayCall call, String name, Upload upload) {
    call.brought(upload.items());
    Route route = routes.of(name, call, upload);
    CallOptions asked = CallOptions.of(call.exchange(), upload.fields(), Lane.BATCH);
    Inference.start(
        call,
        route,
        asked,
        upload.items(),
        (model, outcomes) -> {
          Rendering rendering = new Rendering(model, asked.maxDetections());
          BatchRendering batch = new BatchRendering(rendering, outcomes);
          call.respond(batch.status(), Inference.timings(outcomes), batch::write);
        });
  }

  private static void stream(GatewayCall call, Route route, StreamFraming framing, Upload upload) {
    CallOptions asked = CallOptions.of(call.exchange(), upload.fields(), Lane.BATCH);
    ItemStream.start(call, route, asked, framing, upload.items());
  }

  private Route embedder(String name, GatewayCall call, Upload upload) {
    Route route = routes.of(name, call, upload);
    if (route.model().task() != ImageModel.Task.EMBED) {
      throw FaultException.of(
          Fault.INVALID_ARGUMENT,
          "model '" + route.model().name() + "' (expected: one that answers an embedding)");
    }
    return route;
  }

  private void embedAll(GatewayCall call, String name, Upload upload) {
    call.brought(upload.items());
    Route route = embedder(name, call, upload);
    for (Item item : upload.items()) {
      if (item instanceof Item.Unreadable unreadable) {
        throw undecodable(unreadable.index(), unreadable.failure()).exception();
      }
    }
    CallOptions asked = CallOptions.of(call.exchange(), upload.fields(), Lane.BATCH);
    Inference.start(
        call,
        route,
        asked,
        upload.items(),
        (model, outcomes) -> {
          for (Outcome outcome : outcomes) {
            if (outcome instanceof Outcome.Failed failed) {
              call.fail(undecodable(failed.item().index(), failed.failure()));
              return;
            }
          }
          call.respond(200, Inference.timings(outcomes), json -> embeddings(json, model, outcomes));
        });
  }

  private static void embeddings(JsonGenerator json, ImageModel model, List<Outcome> outcomes) {
    Rendering rendering = new Rendering(model, 0);
    json.writeArrayPropertyStart("embeddings");
    for (Outcome outcome : outcomes) {
      if (outcome instanceof Outcome.Answered answered) {
        rendering.embedding(json, answered.response());
      }
    }
    json.writeEndArray();
    json.writeObjectPropertyStart("model_info");
    json.writeStringProperty("model_name", model.name());
    json.writeStringProperty("pretrained", "");
    json.writeStringProperty("device", "cpu");
    json.writeNumberProperty("embedding_dim", model.size());
    json.writeEndObject();
    json.writeNumberProperty("count", outcomes.size());
  }

  /** What is wrong with one of several pictures; other failures stay as they are. */
  private static Failure undecodable(int index, Failure failure) {
    return switch (failure.fault()) {
      case INVALID_ARGUMENT, UNPROCESSABLE, UNSUPPORTED_MEDIA, TOO_LARGE ->
          failure.prefixed("Failed to decode image " + index + ": ");
      case NOT_FOUND,
          ALREADY_EXISTS,
          UNSUPPORTED,
          NOT_READY,
          OVERLOADED,
          QUEUE_TIMEOUT,
          DEADLINE_EXCEEDED,
          CANCELLED,
          BACKEND_FAILED,
          INTERNAL ->
          failure;
    };
  }
}
