package dev.nereid.scheduler;

import static org.assertj.core.api.Assertions.assertThat;

import dev.nereid.backend.RecordingReply;
import dev.nereid.backend.TestTensors;
import dev.nereid.core.DataType;
import dev.nereid.core.InferRequest;
import dev.nereid.core.MemoryPool;
import dev.nereid.core.RequestedOutput;
import dev.nereid.core.Shape;
import dev.nereid.core.Tensor;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** What makes two requests equal, and what makes them differ. */
final class RequestDigestTest {
  private static final long[] LOADS = {1};
  private static final List<String> OUTPUTS = List.of("X", "Y", "Z");

  private final MemoryPool pool = new MemoryPool(MemoryPool.Limits.DEFAULT);
  private final TestTensors tensors = new TestTensors(pool);
  private final RequestDigest digest = new RequestDigest();
  private final List<Tensor> made = new ArrayList<>();

  @AfterEach
  void everythingIsGivenBack() {
    made.forEach(tensor -> tensor.lease().close());
    assertThat(pool.openLeases()).isZero();
    pool.close();
  }

  private CacheKey key(Map<String, Object> parameters, List<String> outputs, Tensor... inputs) {
    made.addAll(Arrays.asList(inputs));
    var call =
        new InferRequest.Call(
            "m",
            -1,
            "id",
            parameters,
            outputs.stream().map(name -> new RequestedOutput(name, 0)).toList(),
            0,
            0,
            0,
            Long.MAX_VALUE);
    return digest.of(
        new InferRequest(call, List.of(inputs), List.of(), new RecordingReply()), LOADS, OUTPUTS);
  }

  private CacheKey key(Tensor... inputs) {
    return key(Map.of(), List.of(), inputs);
  }

  private Tensor floats(String name, float... values) {
    return tensors.floats(name, Shape.of(1, values.length), values);
  }

  @Test
  void equalRequestsHaveOneKeyWhateverTheOrderTheyAreWrittenIn() {
    CacheKey key =
        key(
            Map.of("a", 1L, "b", true),
            List.of("X", "Y"),
            floats("A", 1, 2),
            tensors.texts("B", Shape.of(1, 2), "p", "q"));
    CacheKey turned =
        key(
            Map.of("b", true, "a", 1L),
            List.of("Y", "X", "Y"),
            tensors.texts("B", Shape.of(1, 2), "p", "q"),
            floats("A", 1, 2));
    assertThat(turned).isEqualTo(key).hasSameHashCodeAs(key);
  }

  @Test
  void whateverAnAnswerDependsOnMakesAnotherKey() {
    byte[] eight = new byte[8];
    Set<CacheKey> keys = new HashSet<>();
    List<CacheKey> all =
        List.of(
            key(floats("A", 1, 2)),
            key(floats("A", 1, 3)),
            key(floats("B", 1, 2)),
            key(floats("A", 1, 2), floats("B", 1, 2)),
            key(floats("B", 1, 2), floats("A", 1, 3)),
            key(tensors.raw("A", DataType.INT8, Shape.of(2, 4), eight)),
            key(tensors.raw("A", DataType.INT8, Shape.of(4, 2), eight)),
            key(tensors.raw("A", DataType.INT8, Shape.of(8), eight)),
            key(tensors.raw("A", DataType.UINT8, Shape.of(8), eight)),
            key(tensors.raw("A", DataType.FP32, Shape.of(2), eight)),
            key(tensors.texts("A", Shape.of(2), "ab", "c")),
            key(tensors.texts("A", Shape.of(2), "a", "bc")),
            key(),
            key(Map.of("p", "1"), List.of()),
            key(Map.of("p", 1L), List.of()),
            key(Map.of("p", true), List.of()),
            key(Map.of("p", 1.0), List.of()),
            key(Map.of("p", -0.0), List.of()),
            key(Map.of("p", 0.0), List.of()),
            key(Map.of("q", "1"), List.of()),
            key(Map.of("p", "\ud800"), List.of()),
            key(Map.of("p", "?"), List.of()),
            key(Map.of("p", "x".repeat(5000)), List.of()),
            key(Map.of("p", "x".repeat(4999) + "y"), List.of()),
            key(Map.of(), List.of("X")),
            key(Map.of(), List.of("X", "Y")));
    assertThat(keys.addAll(all)).isTrue();
    assertThat(keys).hasSameSizeAs(all);
  }

  @Test
  void namingEveryOutputIsNamingNone() {
    assertThat(key(Map.of(), List.of("Z", "X", "Y"))).isEqualTo(key());
  }

  @Test
  void anotherLoadOfTheModelMakesAnotherKey() {
    InferRequest request =
        new InferRequest(InferRequest.Call.of("m", 0), List.of(), List.of(), new RecordingReply());
    CacheKey key = digest.of(request, new long[] {1, 2}, OUTPUTS);
    assertThat(digest.of(request, new long[] {1, 3}, OUTPUTS)).isNotEqualTo(key);
    assertThat(digest.of(request, new long[] {1}, OUTPUTS)).isNotEqualTo(key);
    assertThat(digest.of(request, new long[] {1, 2}, OUTPUTS)).isEqualTo(key);
  }

  @Test
  void classesIdsAndTimesDoNotMatter() {
    InferRequest plain =
        new InferRequest(
            new InferRequest.Call(
                "m", -1, "a", Map.of(), List.of(new RequestedOutput("X", 0)), 0, 0, 1, 2),
            List.of(),
            List.of(),
            new RecordingReply());
    InferRequest other =
        new InferRequest(
            new InferRequest.Call(
                "m", 1, "b", Map.of(), List.of(new RequestedOutput("X", 5)), 3, 9, 5, 9),
            List.of(),
            List.of(),
            new RecordingReply());
    assertThat(digest.of(other, LOADS, OUTPUTS)).isEqualTo(digest.of(plain, LOADS, OUTPUTS));
  }
}
