package dev.nereid.client;

import dev.nereid.core.DataType;
import dev.nereid.core.Shape;
import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicInteger;
import tools.jackson.core.JacksonException;
import tools.jackson.core.JsonEncoding;
import tools.jackson.core.JsonGenerator;
import tools.jackson.core.ObjectWriteContext;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.ObjectMapper;

/**
 * Turns encoded pictures into vectors, the same ones whichever way they travel: the server decodes
 * and scales them in every case, so that nothing here can make them differ.
 *
 * <p><b>Threading.</b> Safe for any number of threads; nothing blocks but {@link #close}. Vectors
 * arrive on event loops.
 *
 * <p><b>Errors.</b> A future fails with an {@link InferenceException}.
 */
public final class EmbeddingClient implements AutoCloseable {
  /** Asks for the vectors of at most as many pictures as go into one request. */
  @FunctionalInterface
  private interface Service {
    CompletableFuture<List<float[]>> embed(List<byte[]> images);
  }

  private final EmbeddingOptions options;
  private final Service service;
  private final Runnable closing;

  private record Connected(Service service, Runnable closing) {}

  /** A client that connects on its first call; the event loops are closed after it. */
  public EmbeddingClient(EmbeddingOptions options, EventLoops loops) {
    this.options = options;
    Connected connected =
        switch (options.backend()) {
          case REST -> {
            HttpCaller caller = new HttpCaller(HttpOptions.of(options.endpoint()), loops);
            AtomicInteger lane = new AtomicInteger();
            yield new Connected(
                images -> overRest(caller, lane.getAndIncrement(), images), caller::close);
          }
          case HTTP -> overV2(new HttpInferenceClient(HttpOptions.of(options.endpoint()), loops));
          case GRPC -> overV2(new GrpcInferenceClient(GrpcOptions.of(options.endpoint()), loops));
        };
    this.service = connected.service;
    this.closing = connected.closing;
  }

  private Connected overV2(InferenceClient client) {
    return new Connected(images -> overV2(client, images), client::close);
  }

  /** The vector of one picture. */
  public CompletableFuture<float[]> embed(byte[] image) {
    return embed(List.of(image)).thenApply(List::getFirst);
  }

  /** The vectors of pictures, in their order; one that is no picture fails all. */
  public CompletableFuture<List<float[]>> embed(List<byte[]> images) {
    List<CompletableFuture<List<float[]>>> parts = new ArrayList<>();
    for (int from = 0; from < images.size(); from += options.maxBatch()) {
      int to = Math.min(images.size(), from + options.maxBatch());
      parts.add(service.embed(images.subList(from, to)));
    }
    return CompletableFuture.allOf(parts.toArray(CompletableFuture[]::new))
        .thenApply(_ -> parts.stream().flatMap(part -> part.join().stream()).toList());
  }

  @Override
  public void close() {
    closing.run();
  }

  private CompletableFuture<List<float[]>> overV2(InferenceClient client, List<byte[]> images) {
    InferInput input = InferInput.blobs("image", Shape.of(images.size(), 1), images);
    InferCall call = InferCall.of(options.model(), input).withTimeout(options.timeout());
    return client.infer(call).thenApply(result -> rows(result, images.size()));
  }

  private static List<float[]> rows(InferResult result, int count) {
    InferOutput output = result.output("embedding");
    float[] values = output.type() == DataType.FP32 ? output.floats() : new float[0];
    if (values.length == 0 || values.length % count != 0) {
      throw GrpcMessages.malformed(
          "embedding " + output.type() + output.shape() + " (expected: " + count + " FP32 rows)");
    }
    int width = values.length / count;
    List<float[]> rows = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      float[] row = new float[width];
      System.arraycopy(values, i * width, row, 0, width);
      rows.add(row);
    }
    return rows;
  }

  private CompletableFuture<List<float[]>> overRest(
      HttpCaller caller, int lane, List<byte[]> images) {
    PendingResult<List<float[]>> result =
        new PendingResult<>(reply -> vectors(reply, images.size()));
    EncodedCall call =
        caller.encode(
            "POST", "/embed/base64", Map.of("Content-Type", "application/json"), json(images));
    return result.sentAs(caller.send(call, lane, options.timeout().toNanos(), result));
  }

  private static byte[] json(List<byte[]> images) {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try (JsonGenerator json =
        HttpMessages.JSON.createGenerator(ObjectWriteContext.empty(), bytes, JsonEncoding.UTF8)) {
      json.writeStartObject();
      json.writeName("images").writeStartArray();
      for (byte[] image : images) {
        json.writeString(Base64.getEncoder().encodeToString(image));
      }
      json.writeEndArray();
      json.writeEndObject();
    }
    return bytes.toByteArray();
  }

  private static List<float[]> vectors(RawReply reply, int count) {
    JsonNode embeddings;
    try {
      embeddings =
          new ObjectMapper()
              .readTree(reply.body().toString(StandardCharsets.UTF_8))
              .path("embeddings");
    } catch (JacksonException e) {
      throw GrpcMessages.malformed(String.valueOf(e.getOriginalMessage()));
    }
    if (embeddings.size() != count) {
      throw GrpcMessages.malformed(embeddings.size() + " embeddings (expected: " + count + ")");
    }
    List<float[]> vectors = new ArrayList<>();
    for (JsonNode embedding : embeddings) {
      float[] vector = new float[embedding.size()];
      for (int i = 0; i < vector.length; i++) {
        vector[i] = (float) embedding.path(i).doubleValue();
      }
      vectors.add(vector);
    }
    return vectors;
  }
}
