package dev.nereid.app;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.nereid.client.EmbeddingClient;
import dev.nereid.client.EmbeddingOptions;
import dev.nereid.client.EmbeddingOptions.Backend;
import dev.nereid.client.InferenceException;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** One picture, three ways, the same vector. */
@Timeout(60)
final class SameEmbeddingTest {
  private static final double SAME = 0.9999;
  private static RunningProgram program;

  @BeforeAll
  static void start() throws Exception {
    program = RunningProgram.ofDemoModels();
  }

  @AfterAll
  static void stop() {
    program.close();
  }

  private static EmbeddingClient client(Backend backend) {
    int port =
        switch (backend) {
          case REST -> program.server.gatewayPort();
          case HTTP -> program.server.httpPort();
          case GRPC -> program.server.grpcPort();
        };
    return new EmbeddingClient(
        EmbeddingOptions.of(backend, RunningProgram.at(port)).withMaxBatch(2), program.loops);
  }

  @Test
  void everyBackendGivesTheSameVectors() throws Exception {
    List<byte[]> pictures = new ArrayList<>();
    for (String name :
        List.of("scene.jpg", "rotated_90.jpg", "cmyk.jpg", "alpha.png", "tiny.jpg")) {
      pictures.add(RunningProgram.sample(name));
    }
    Map<Backend, List<float[]>> all = new EnumMap<>(Backend.class);
    for (Backend backend : Backend.values()) {
      try (EmbeddingClient client = client(backend)) {
        all.put(backend, client.embed(pictures).get(30, TimeUnit.SECONDS));
      }
    }
    List<float[]> first = all.getOrDefault(Backend.REST, List.of());
    assertThat(first).hasSize(pictures.size());
    for (Backend backend : Backend.values()) {
      for (int i = 0; i < pictures.size(); i++) {
        assertThat(cosine(first.get(i), all.getOrDefault(backend, List.of()).get(i)))
            .as("%s, picture %d", backend, i)
            .isGreaterThanOrEqualTo(SAME);
      }
    }
    assertThat(cosine(first.get(0), first.get(3))).isLessThan(SAME);
  }

  @Test
  void whatIsNoPictureFailsWithEveryBackend() {
    for (Backend backend : Backend.values()) {
      try (EmbeddingClient client = client(backend)) {
        assertThatThrownBy(() -> client.embed(new byte[] {1, 2, 3}).get(30, TimeUnit.SECONDS))
            .hasCauseInstanceOf(InferenceException.class);
      }
    }
  }

  private static double cosine(float[] a, float[] b) {
    assertThat(a).hasSameSizeAs(b);
    double dot = 0;
    double aa = 0;
    double bb = 0;
    for (int i = 0; i < a.length; i++) {
      dot += (double) a[i] * b[i];
      aa += (double) a[i] * a[i];
      bb += (double) b[i] * b[i];
    }
    return dot / Math.sqrt(aa * bb);
  }
}
