package dev.nereid.client;

import java.time.Duration;
import java.util.Locale;
import java.util.Map;

/**
 * Which service makes embeddings, and how it is asked.
 *
 * @param model for HTTP and gRPC: one with an input of encoded pictures and an output of vectors
 * @param maxBatch pictures in one request; more are asked for in several
 * @param timeout of each request; zero for none
 */
public record EmbeddingOptions(
    Backend backend, Endpoint endpoint, String model, int maxBatch, Duration timeout) {
  private static final int REST_PORT = 9600;
  private static final int HTTP_PORT = 8000;
  private static final int GRPC_PORT = 8001;
  private static final int DEFAULT_BATCH = 32;
  private static final Duration DEFAULT_TIMEOUT = Duration.ofSeconds(30);
  private static final String DEFAULT_MODEL = "embed";
  private static final String DEFAULT_HOST = "localhost";

  /** How pictures travel. */
  public enum Backend {
    /** As base64 in JSON, to the route {@code /embed/base64}. */
    REST,
    /** Over the v2 protocol on HTTP. */
    HTTP,
    /** Over the v2 protocol on gRPC. */
    GRPC
  }

  public EmbeddingOptions {
    if (model.isBlank()) {
      throw new IllegalArgumentException("model: '" + model + "' (expected: not blank)");
    }
    if (maxBatch < 1) {
      throw new IllegalArgumentException("maxBatch: " + maxBatch + " (expected: >= 1)");
    }
    if (timeout.isNegative()) {
      throw new IllegalArgumentException("timeout: " + timeout + " (expected: not negative)");
    }
  }

  /** The model {@code embed}, 32 pictures in a request, 30 seconds. */
  public static EmbeddingOptions of(Backend backend, Endpoint endpoint) {
    return new EmbeddingOptions(backend, endpoint, DEFAULT_MODEL, DEFAULT_BATCH, DEFAULT_TIMEOUT);
  }

  /**
   * As a program's environment says.
   *
   * <p>{@code INFERENCE_BACKEND} is {@code rest} (the default; {@code pytorch} means the same),
   * {@code http} ({@code triton}) or {@code grpc} ({@code triton_grpc}). {@code EMBEDDING_URL} is
   * the REST service, {@code TRITON_URL} the v2 server's HTTP port, {@code TRITON_GRPC_URL} its
   * gRPC port: if that is not said, it is the HTTP port plus one. {@code EMBEDDING_MODEL} names the
   * model.
   */
  public static EmbeddingOptions of(Map<String, String> environment) {
    String name = environment.getOrDefault("INFERENCE_BACKEND", "rest").strip();
    Backend backend =
        switch (name.toLowerCase(Locale.ROOT)) {
          case "rest", "pytorch" -> Backend.REST;
          case "http", "triton" -> Backend.HTTP;
          case "grpc", "triton_grpc" -> Backend.GRPC;
          default ->
              throw new IllegalArgumentException(
                  "INFERENCE_BACKEND: '" + name + "' (expected: rest, http or grpc)");
        };
    Endpoint endpoint =
        switch (backend) {
          case REST ->
              Endpoint.parse(environment.getOrDefault("EMBEDDING_URL", DEFAULT_HOST), REST_PORT);
          case HTTP -> http(environment);
          case GRPC -> grpc(environment);
        };
    return of(backend, endpoint)
        .withModel(environment.getOrDefault("EMBEDDING_MODEL", DEFAULT_MODEL));
  }

  private static Endpoint http(Map<String, String> environment) {
    return Endpoint.parse(environment.getOrDefault("TRITON_URL", DEFAULT_HOST), HTTP_PORT);
  }

  private static Endpoint grpc(Map<String, String> environment) {
    String url = environment.getOrDefault("TRITON_GRPC_URL", "").strip();
    if (!url.isEmpty()) {
      return Endpoint.parse(url, GRPC_PORT);
    }
    Endpoint http = http(environment);
    return http.withPort(http.port() + 1);
  }

  /** The same with another model. */
  public EmbeddingOptions withModel(String other) {
    return new EmbeddingOptions(backend, endpoint, other, maxBatch, timeout);
  }

  /** The same with at most so many pictures in a request. */
  public EmbeddingOptions withMaxBatch(int count) {
    return new EmbeddingOptions(backend, endpoint, model, count, timeout);
  }
}
