package dev.nereid.app;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.nereid.client.GrpcInferenceClient;
import dev.nereid.client.HttpInferenceClient;
import dev.nereid.client.ImageClient;
import dev.nereid.client.ImageForm;
import dev.nereid.client.InferCall;
import dev.nereid.client.InferInput;
import dev.nereid.client.InferenceClient;
import dev.nereid.client.ModelStatistics;
import dev.nereid.core.Shape;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.SortedMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Pictures of all sizes, from clients of all kinds, are computed together. */
@Timeout(120)
final class SharedBatchesTest {
  private static final int CLIENTS = 32;
  private static final int CALLS_EACH = 12;
  private static final Duration LIMIT = Duration.ofSeconds(60);
  private static final List<String> STEPS = List.of("embed_preprocess", "shapes_embedder");
  private static final List<byte[]> PICTURES =
      List.of("tiny.jpg", "scene.jpg", "portrait.jpg", "grey.jpg", "street_hd.jpg").stream()
          .map(RunningProgram::sample)
          .toList();

  /** How much the share of inferences done in batches above 4 may differ between two runs. */
  private static final double SAME_SHARE = 0.2;

  /** Time for all clients to come back after a batch; when they have, it is full and starts. */
  private static final String PATIENT = "dynamic_batching { max_queue_delay_microseconds: 200000 }";

  @TempDir private static Path repository;
  private static RunningProgram program;
  private static HttpInferenceClient http;

  /** One call, waited for. */
  private interface Caller {
    void call(byte[] picture) throws Exception;
  }

  @BeforeAll
  static void start() throws Exception {
    for (String model : List.of("embed", "embed_preprocess", "shapes_embedder")) {
      copyPatient(RunningProgram.HOME.resolve("models").resolve(model), repository.resolve(model));
    }
    program = new RunningProgram(List.of(repository));
    http = program.http(CLIENTS);
  }

  private static void copyPatient(Path model, Path copy) throws IOException {
    Files.createDirectories(copy.resolve("1"));
    String config = Files.readString(model.resolve("config.pbtxt"));
    Files.writeString(
        copy.resolve("config.pbtxt"), config.replaceFirst("dynamic_batching [{].*[}]", PATIENT));
    Path graph = model.resolve("1/model.onnx");
    if (Files.exists(graph)) {
      Files.copy(graph, copy.resolve("1/model.onnx"));
    }
  }

  @AfterAll
  static void stop() {
    http.close();
    program.close();
  }

  @Test
  void clientsOfThreeProtocolsShareBatches() throws Exception {
    try (GrpcInferenceClient grpc = program.grpc(4);
        ImageClient images = program.images()) {
      List<Caller> kinds =
          List.of(
              picture -> images.post("/embed", ImageForm.RAW, picture, LIMIT).get(),
              picture -> embed(http, picture),
              picture -> embed(grpc, picture));
      for (ModelStatistics step : whileCalled(kinds)) {
        assertThat(step.inferences()).isEqualTo((long) CLIENTS * CALLS_EACH);
        assertThat(step.meanBatch()).as("%s: %s", step.name(), step.batches()).isGreaterThan(4);
      }
    }
  }

  @Test
  void manyChannelsFillBatchesAsOneDoes() throws Exception {
    try (GrpcInferenceClient one = program.grpc(1);
        GrpcInferenceClient many = program.grpc(CLIENTS)) {
      List<ModelStatistics> byOne = whileCalled(List.of(picture -> embed(one, picture)));
      List<ModelStatistics> byMany = whileCalled(List.of(picture -> embed(many, picture)));
      assertThat(many.connections()).isEqualTo(CLIENTS);
      for (int i = 0; i < STEPS.size(); i++) {
        assertThat(shareInBigBatches(byMany.get(i).batches()))
            .as("%s: %s and %s", STEPS.get(i), byOne.get(i).batches(), byMany.get(i).batches())
            .isCloseTo(shareInBigBatches(byOne.get(i).batches()), within(SAME_SHARE));
      }
    }
  }

  /** Runs all clients, their kinds in turn, and tells what the steps counted meanwhile. */
  private static List<ModelStatistics> whileCalled(List<Caller> kinds) throws Exception {
    List<ModelStatistics> before = steps();
    List<Future<?>> clients = new ArrayList<>();
    try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
      for (int i = 0; i < CLIENTS; i++) {
        int number = i;
        Caller caller = kinds.get(i % kinds.size());
        clients.add(
            threads.submit(
                () -> {
                  for (int call = 0; call < CALLS_EACH; call++) {
                    caller.call(PICTURES.get((number + call) % PICTURES.size()));
                  }
                  return null;
                }));
      }
    }
    for (Future<?> client : clients) {
      client.get();
    }
    List<ModelStatistics> after = steps();
    List<ModelStatistics> meanwhile = new ArrayList<>();
    for (int i = 0; i < STEPS.size(); i++) {
      meanwhile.add(after.get(i).minus(before.get(i)));
    }
    return meanwhile;
  }

  private static List<ModelStatistics> steps() {
    return STEPS.stream().map(step -> RunningProgram.statistics(http, step)).toList();
  }

  private static void embed(InferenceClient client, byte[] picture) throws Exception {
    InferCall call =
        InferCall.of("embed", InferInput.blobs("image", Shape.of(1, 1), List.of(picture)));
    float[] embedding =
        client.infer(call).get(LIMIT.toSeconds(), TimeUnit.SECONDS).output("embedding").floats();
    assertThat(embedding).hasSize(128);
  }

  /** Of all inferences, the share that ran in batches above 4. */
  private static double shareInBigBatches(SortedMap<Long, Long> batches) {
    return (double) inferences(batches.tailMap(5L)) / inferences(batches);
  }

  private static long inferences(SortedMap<Long, Long> batches) {
    return batches.entrySet().stream().mapToLong(e -> e.getKey() * e.getValue()).sum();
  }
}
