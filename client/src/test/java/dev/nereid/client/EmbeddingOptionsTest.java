package dev.nereid.client;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.nereid.client.EmbeddingOptions.Backend;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

final class EmbeddingOptionsTest {
  @Test
  void theEnvironmentChoosesTheBackend() {
    assertThat(EmbeddingOptions.of(Map.of()).backend()).isEqualTo(Backend.REST);
    assertThat(EmbeddingOptions.of(Map.of("INFERENCE_BACKEND", "pytorch")).endpoint())
        .isEqualTo(new Endpoint("localhost", 9600));
    assertThat(EmbeddingOptions.of(Map.of("INFERENCE_BACKEND", "triton")).endpoint())
        .isEqualTo(new Endpoint("localhost", 8000));
    assertThatIllegalArgumentException()
        .isThrownBy(() -> EmbeddingOptions.of(Map.of("INFERENCE_BACKEND", "smoke")))
        .withMessage("INFERENCE_BACKEND: 'smoke' (expected: rest, http or grpc)");
  }

  @Test
  void theGrpcPortIsTheNextOneUnlessItIsSaid() {
    assertThat(
            EmbeddingOptions.of(
                    Map.of("INFERENCE_BACKEND", "triton_grpc", "TRITON_URL", "http://gpu:8010"))
                .endpoint())
        .isEqualTo(new Endpoint("gpu", 8011));
    assertThat(
            EmbeddingOptions.of(
                    Map.of("INFERENCE_BACKEND", "grpc", "TRITON_GRPC_URL", "other:9999"))
                .endpoint())
        .isEqualTo(new Endpoint("other", 9999));
  }

  @Test
  void anAnswerOfAnotherShapeFails() {
    try (var loops = EventLoops.of(1);
        var server = new PlainHttpServer(_ -> PlainHttpServer.Response.of(200, "{\"count\":0}"));
        var client =
            new EmbeddingClient(EmbeddingOptions.of(Backend.REST, server.endpoint()), loops)) {
      assertThatThrownBy(() -> client.embed(new byte[] {1}).join())
          .hasCauseInstanceOf(InferenceException.class)
          .hasMessageContaining("0 embeddings (expected: 1)");
    }
  }

  @Test
  void manyPicturesGoInSeveralRequests() {
    try (var loops = EventLoops.of(1);
        var server =
            new PlainHttpServer(
                request -> {
                  int count =
                      new String(request.body(), StandardCharsets.UTF_8).split("\",\"", -1).length;
                  return PlainHttpServer.Response.of(
                      200,
                      "{\"embeddings\":[[%d,0.5]%s]}".formatted(count, ",[0,0]".repeat(count - 1)));
                });
        var client =
            new EmbeddingClient(
                EmbeddingOptions.of(Backend.REST, server.endpoint()).withMaxBatch(2), loops)) {
      byte[] image = {1, 2};
      List<float[]> vectors = client.embed(List.of(image, image, image)).join();
      assertThat(vectors).hasSize(3);
      assertThat(vectors.getFirst()).containsExactly(2, 0.5f);
      assertThat(vectors.getLast()).containsExactly(1, 0.5f);
    }
  }
}
