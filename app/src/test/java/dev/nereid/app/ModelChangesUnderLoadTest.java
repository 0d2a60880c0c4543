package dev.nereid.app;

import static org.assertj.core.api.Assertions.assertThat;

import dev.nereid.client.InferCall;
import dev.nereid.client.InferInput;
import dev.nereid.client.InferResult;
import dev.nereid.client.InferenceClient;
import dev.nereid.core.Shape;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.IntStream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * ONNX models are replaced, and come and go, under a constant load of 200 requests a second over
 * both protocols. {@code -Dnereid.soak.seconds=600} makes it a longer run.
 */
@Timeout(3600)
final class ModelChangesUnderLoadTest {
  private static final int SOAK_SECONDS = Integer.getInteger("nereid.soak.seconds", 5);
  private static final int REQUESTS_PER_SECOND = 200;
  private static final int RELOADS = 50;
  private static final int VERSION_CHANGES = 20;
  private static final int ELEMENTS = 16;

  @TempDir Path repository;

  private final AtomicInteger sent = new AtomicInteger();
  private final AtomicInteger answered = new AtomicInteger();
  private final ConcurrentLinkedQueue<String> wrong = new ConcurrentLinkedQueue<>();
  private final AtomicBoolean ended = new AtomicBoolean();

  @BeforeEach
  void aRepository() throws IOException {
    for (String name : List.of("simple", "other", "third")) {
      addVersion(name, 1);
      configure(name, "");
    }
  }

  private void addVersion(String model, int version) throws IOException {
    Path folder = Files.createDirectories(repository.resolve(model));
    Path staged = Files.createTempDirectory(folder, ".staged");
    Path onnx = RunningProgram.HOME.resolve("models/simple/1/model.onnx");
    Files.copy(onnx, staged.resolve("model.onnx"));
    Files.move(staged, folder.resolve(Integer.toString(version)));
  }

  private void configure(String model, String more) throws IOException {
    Path folder = repository.resolve(model);
    Path staged = Files.createTempFile(folder, ".staged", "");
    Files.writeString(staged, "backend: \"onnxruntime\" max_batch_size: 8\n" + more);
    Files.move(staged, folder.resolve("config.pbtxt"), StandardCopyOption.REPLACE_EXISTING);
  }

  /** One request at its time, whether the ones before have been answered or not. */
  private void sendConstantly(InferenceClient http, InferenceClient grpc) {
    long begin = System.nanoTime();
    long gap = TimeUnit.SECONDS.toNanos(1) / REQUESTS_PER_SECOND;
    for (int i = 0; !ended.get(); i++) {
      LockSupport.parkNanos(begin + i * gap - System.nanoTime());
      int first = i;
      int[] left = IntStream.range(0, ELEMENTS).map(j -> first + j).toArray();
      int[] right = IntStream.range(0, ELEMENTS).map(j -> 3 * j).toArray();
      Shape shape = Shape.of(1, ELEMENTS);
      InferCall call =
          InferCall.of(
              "simple",
              InferInput.ints("INPUT0", shape, left),
              InferInput.ints("INPUT1", shape, right));
      sent.incrementAndGet();
      var _ =
          (i % 2 == 0 ? http : grpc)
              .infer(call)
              .whenComplete((result, failure) -> check(left, right, result, failure));
    }
  }

  private void check(int[] left, int[] right, InferResult result, Throwable failure) {
    if (failure != null) {
      wrong.add(failure.toString());
    } else {
      int[] sums = IntStream.range(0, ELEMENTS).map(i -> left[i] + right[i]).toArray();
      int[] differences = IntStream.range(0, ELEMENTS).map(i -> left[i] - right[i]).toArray();
      if (!Arrays.equals(result.output("OUTPUT0").ints(), sums)
          || !Arrays.equals(result.output("OUTPUT1").ints(), differences)) {
        wrong.add("a wrong answer of version " + result.version());
      }
    }
    answered.incrementAndGet();
  }

  /** Calls the model repository API; the answer's status and text. */
  private static String call(RunningProgram program, HttpClient client, String path)
      throws Exception {
    URI uri =
        URI.create(
            "http://127.0.0.1:" + program.server.httpPort() + "/v2/repository/models/" + path);
    HttpResponse<String> response =
        client.send(
            HttpRequest.newBuilder(uri).POST(HttpRequest.BodyPublishers.noBody()).build(),
            HttpResponse.BodyHandlers.ofString());
    return response.statusCode() + response.body();
  }

  /** What is done to the models while requests come. */
  private interface Changes {
    void make(RunningProgram program, HttpClient client) throws Exception;
  }

  private void underLoad(Changes changes) throws Exception {
    try (var program =
            new RunningProgram(
                List.of(repository), "--model-control-mode=explicit", "--load-model=simple");
        var http = program.http(4);
        var grpc = program.grpc(1);
        HttpClient client = HttpClient.newHttpClient()) {
      Thread sender = Thread.ofPlatform().start(() -> sendConstantly(http, grpc));
      changes.make(program, client);
      ended.set(true);
      sender.join();
      long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(20);
      while (answered.get() < sent.get() && System.nanoTime() < end) {
        LockSupport.parkNanos(1_000_000);
      }
      assertThat(wrong).isEmpty();
      assertThat(answered).hasValue(sent.get());
      assertThat(http.isReady()).isTrue();
    }
  }

  @Test
  void fiftyReloadsAndTwentyVersionChangesFailNoRequest() throws Exception {
    long pause = Duration.ofSeconds(SOAK_SECONDS).toNanos() / (RELOADS + VERSION_CHANGES);
    underLoad(
        (program, client) -> {
          int version = 1;
          for (int i = 0; i < RELOADS + VERSION_CHANGES; i++) {
            long next = System.nanoTime() + pause;
            if (i % 7 < 5) {
              configure("simple", i % 2 == 0 ? "dynamic_batching {}" : "");
            } else {
              addVersion("simple", ++version);
            }
            assertThat(call(program, client, "simple/load")).isEqualTo("200");
            LockSupport.parkNanos(next - System.nanoTime());
          }
          assertThat(program.server.engine().versions("simple", -1)).containsExactly(21L);
        });
    assertThat(sent.get()).isGreaterThan(REQUESTS_PER_SECOND * SOAK_SECONDS / 2);
  }

  @Test
  void twoClientsThatLoadAndUnloadTheSameModelsDisturbNobody() throws Exception {
    underLoad(
        (program, client) -> {
          List<Thread> clients =
              IntStream.range(0, 2)
                  .mapToObj(_ -> Thread.ofPlatform().start(() -> fumble(program, client)))
                  .toList();
          for (Thread each : clients) {
            assertThat(each.join(Duration.ofSeconds(SOAK_SECONDS + 60))).as("no hang").isTrue();
          }
          for (String model : List.of("other", "third")) {
            assertThat(call(program, client, model + "/load")).isEqualTo("200");
            assertThat(program.server.engine().isReady(model, -1)).isTrue();
          }
        });
  }

  private void fumble(RunningProgram program, HttpClient client) {
    ThreadLocalRandom random = ThreadLocalRandom.current();
    long end = System.nanoTime() + Duration.ofSeconds(SOAK_SECONDS).toNanos() / 2;
    while (System.nanoTime() < end) {
      String path =
          (random.nextBoolean() ? "other" : "third") + (random.nextBoolean() ? "/load" : "/unload");
      try {
        String answer = call(program, client, path);
        if (!answer.equals("200")) {
          wrong.add(path + ": " + answer);
        }
      } catch (Exception e) {
        wrong.add(path + ": " + e);
      }
    }
  }
}
