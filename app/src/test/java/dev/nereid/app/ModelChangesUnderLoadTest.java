package dev.nereid.app;

import static org.assertj.core.api.Assertions.assertThat;

import dev.nereid.client.GrpcInferenceClient;
import dev.nereid.client.GrpcOptions;
import dev.nereid.client.HttpInferenceClient;
import dev.nereid.client.HttpOptions;
import dev.nereid.client.InferCall;
import dev.nereid.client.InferInput;
import dev.nereid.client.InferResult;
import dev.nereid.client.InferenceClient;
import dev.nereid.client.TlsOptions;
import dev.nereid.core.Shape;
import dev.nereid.http.TestCertificates;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SortedMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import java.util.regex.Pattern;
import java.util.stream.IntStream;
import javax.net.ssl.SSLContext;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * ONNX models are replaced, and come and go, under a constant load of 200 requests a second over
 * both protocols. Each test takes some seconds; a whole minute of each is
 *
 * <pre>{@code
 * ./mvnw test -pl app -am -Dsurefire.failIfNoSpecifiedTests=false \
 *     -Dtest=ModelChangesUnderLoadTest -Dnereid.soak.seconds=60
 * }</pre>
 */
@Timeout(3600)
final class ModelChangesUnderLoadTest {
  private static final Logger LOG = LoggerFactory.getLogger(ModelChangesUnderLoadTest.class);
  private static final int SOAK_SECONDS = Integer.getInteger("nereid.soak.seconds", 3);
  private static final int REQUESTS_PER_SECOND = 200;
  private static final int RELOADS = 50;
  private static final int VERSION_CHANGES = 20;
  private static final int CERTIFICATES = 10;
  private static final int CHANGES = RELOADS + VERSION_CHANGES + CERTIFICATES;
  private static final int ELEMENTS = 16;
  private static final Duration NO_HANG = Duration.ofSeconds(20);
  private static final TestCertificates AUTHORITY = new TestCertificates("authority");

  /** Models that come and go, and how often they are asked. */
  private static final List<String> FLEETING = List.of("other", "third");

  private static final int FLEETING_PER_SECOND = 100;

  /** All that may be answered while they are not there. */
  private static final Pattern NOT_THERE =
      Pattern.compile(
          "(404|NOT_FOUND): (\\[.*] )?Request for unknown model: '(other|third)'"
              + " (is not found|has no available versions)"
              + "|(503|UNAVAILABLE): (\\[.*] )?Request for unknown model: '(other|third)'"
              + " (version 1 )?is not at ready state");

  @TempDir Path folder;

  private final AtomicInteger sent = new AtomicInteger();
  private final AtomicInteger answered = new AtomicInteger();
  private final AtomicInteger notThere = new AtomicInteger();
  private final AtomicInteger loads = new AtomicInteger();
  private final AtomicInteger unloads = new AtomicInteger();
  private final ConcurrentLinkedQueue<String> wrong = new ConcurrentLinkedQueue<>();
  private final AtomicBoolean ended = new AtomicBoolean();

  @BeforeEach
  void aRepository() throws IOException {
    for (String name : List.of("simple", "other", "third")) {
      addVersion(name, 1);
      configure(name, "");
    }
  }

  private Path repository() {
    return folder.resolve("models");
  }

  private void addVersion(String model, int version) throws IOException {
    Path place = Files.createDirectories(repository().resolve(model));
    Path staged = Files.createTempDirectory(place, ".staged");
    Path onnx = RunningProgram.HOME.resolve("models/simple/1/model.onnx");
    Files.copy(onnx, staged.resolve("model.onnx"));
    Files.move(staged, place.resolve(Integer.toString(version)));
  }

  private void configure(String model, String more) throws IOException {
    Path place = repository().resolve(model);
    Path staged = Files.createTempFile(place, ".staged", "");
    Files.writeString(staged, "backend: \"onnxruntime\" max_batch_size: 8\n" + more);
    Files.move(staged, place.resolve("config.pbtxt"), StandardCopyOption.REPLACE_EXISTING);
  }

  /** One request at its time, whether the ones before have been answered or not. */
  private void sendConstantly(Load load, List<String> models, int perSecond) {
    long begin = System.nanoTime();
    long gap = TimeUnit.SECONDS.toNanos(1) / perSecond;
    for (int i = 0; !ended.get(); i++) {
      LockSupport.parkNanos(begin + i * gap - System.nanoTime());
      String model = models.get(i / 2 % models.size());
      String version = models.equals(FLEETING) && i % 8 < 2 ? "1" : "";
      var _ = ask(i % 2 == 0 ? load.http : load.grpc, model, version, i);
    }
  }

  private CompletableFuture<?> ask(InferenceClient client, String model, String version, int n) {
    int[] left = IntStream.range(0, ELEMENTS).map(j -> n + j).toArray();
    int[] right = IntStream.range(0, ELEMENTS).map(j -> 3 * j).toArray();
    sent.incrementAndGet();
    return client
        .infer(call(model, left, right).withVersion(version))
        .handle(
            (result, failure) -> {
              if (failure == null) {
                check(model, left, right, result);
              } else {
                refused(model, String.valueOf(failure.getMessage()));
              }
              return answered.incrementAndGet();
            });
  }

  private void check(String model, int[] left, int[] right, InferResult result) {
    int[] sums = IntStream.range(0, ELEMENTS).map(i -> left[i] + right[i]).toArray();
    int[] differences = IntStream.range(0, ELEMENTS).map(i -> left[i] - right[i]).toArray();
    if (!Arrays.equals(result.output("OUTPUT0").ints(), sums)
        || !Arrays.equals(result.output("OUTPUT1").ints(), differences)) {
      wrong.add(model + ": a wrong answer of version " + result.version());
    }
  }

  private void refused(String model, String message) {
    if (FLEETING.contains(model) && NOT_THERE.matcher(message).matches()) {
      notThere.incrementAndGet();
    } else {
      wrong.add(model + ": " + message);
    }
  }

  /** A server and those who ask it. */
  private record Load(RunningProgram program, InferenceClient http, InferenceClient grpc) {}

  /** What is done to the models while requests come. */
  private interface Changes {
    void make(Load load) throws Exception;
  }

  /** Over TLS where certificates are given; the fleeting models are asked too where not. */
  private void underLoad(@Nullable TlsOptions tls, Changes changes) throws Exception {
    List<String> flags =
        new ArrayList<>(List.of("--model-control-mode=explicit", "--load-model=simple"));
    if (tls != null) {
      flags.addAll(List.of("--http-use-ssl=true", "--grpc-use-ssl=true"));
      flags.add("--grpc-server-cert=" + folder.resolve("crt"));
      flags.add("--grpc-server-key=" + folder.resolve("key"));
    }
    try (var program = new RunningProgram(List.of(repository()), flags.toArray(String[]::new));
        var http = http(program, tls);
        var grpc = grpc(program, tls)) {
      Load load = new Load(program, http, grpc);
      List<Thread> senders = new ArrayList<>();
      senders.add(
          Thread.ofPlatform()
              .start(() -> sendConstantly(load, List.of("simple"), REQUESTS_PER_SECOND)));
      if (tls == null) {
        senders.add(
            Thread.ofPlatform().start(() -> sendConstantly(load, FLEETING, FLEETING_PER_SECOND)));
      }
      try {
        changes.make(load);
      } finally {
        ended.set(true);
      }
      for (Thread sender : senders) {
        sender.join();
      }
      long end = System.nanoTime() + 2 * NO_HANG.toNanos();
      while (answered.get() < sent.get() && System.nanoTime() < end) {
        LockSupport.parkNanos(1_000_000);
      }
      assertThat(wrong).isEmpty();
      assertThat(answered).hasValue(sent.get());
      assertThat(http.isReady()).isTrue();
    }
  }

  private static InferenceClient http(RunningProgram program, @Nullable TlsOptions tls) {
    HttpOptions options =
        HttpOptions.of(RunningProgram.at(program.server.httpPort())).withMaxConnections(4);
    return new HttpInferenceClient(tls == null ? options : options.withTls(tls), program.loops);
  }

  private static InferenceClient grpc(RunningProgram program, @Nullable TlsOptions tls) {
    GrpcOptions options = GrpcOptions.of(RunningProgram.at(program.server.grpcPort()));
    return new GrpcInferenceClient(tls == null ? options : options.withTls(tls), program.loops);
  }

  @Test
  void reloadsVersionChangesAndNewCertificatesFailNoRequest() throws Exception {
    issueCertificate(0);
    TlsOptions tls = TlsOptions.trusting(AUTHORITY.writeRoot(folder.resolve("roots")));
    SSLContext trusting = AUTHORITY.client(null);
    underLoad(
        tls,
        load -> {
          try (var control = RepositoryClient.overHttps(load.program, trusting)) {
            changeAll(load, control, tls);
          }
          assertThat(load.program.server.engine().versions("simple", -1)).containsExactly(21L);
          awaitCertificate(trusting, load.program.server.httpPort());
          awaitCertificate(trusting, load.program.server.grpcPort());
        });
    assertThat(sent.get()).isGreaterThan(REQUESTS_PER_SECOND * SOAK_SECONDS / 2);
    LOG.info("{} requests answered through {} changes", answered, CHANGES);
  }

  private void changeAll(Load load, RepositoryClient control, TlsOptions tls) throws Exception {
    long pause = Duration.ofSeconds(SOAK_SECONDS).toNanos() / CHANGES;
    int version = 1;
    int certificates = 0;
    for (int i = 0; i < CHANGES; i++) {
      long next = System.nanoTime() + pause;
      if (i % 8 < 5) {
        configure("simple", i % 2 == 0 ? "dynamic_batching {}" : "");
        control.load("simple");
      } else if (i % 8 < 7) {
        addVersion("simple", ++version);
        control.load("simple");
      } else {
        issueCertificate(++certificates);
        askOnFreshConnections(load, tls, i);
      }
      LockSupport.parkNanos(next - System.nanoTime());
    }
  }

  private void issueCertificate(int number) {
    AUTHORITY.issue("certificate " + number).writeTo(folder.resolve("crt"), folder.resolve("key"));
  }

  private void askOnFreshConnections(Load load, TlsOptions tls, int n) throws Exception {
    try (var http = http(load.program, tls);
        var grpc = grpc(load.program, tls)) {
      var _ = ask(http, "simple", "", n).get(2 * NO_HANG.toSeconds(), TimeUnit.SECONDS);
      var _ = ask(grpc, "simple", "", n).get(2 * NO_HANG.toSeconds(), TimeUnit.SECONDS);
    }
  }

  private static void awaitCertificate(SSLContext trusting, int port) throws IOException {
    long end = System.nanoTime() + NO_HANG.toNanos();
    String last = "CN=certificate " + CERTIFICATES;
    while (!TlsProgramTest.shown(trusting, port).equals(last) && System.nanoTime() < end) {
      LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(50));
    }
    assertThat(TlsProgramTest.shown(trusting, port)).isEqualTo(last);
  }

  @Test
  void twoClientsThatLoadAndUnloadTheSameModelsDisturbNobody() throws Exception {
    underLoad(
        null,
        load -> {
          try (var http = RepositoryClient.overHttp(load.program);
              var grpc = RepositoryClient.overGrpc(load.program)) {
            List<Thread> rivals =
                List.of(
                    Thread.ofPlatform().start(() -> loadAndUnload(http)),
                    Thread.ofPlatform().start(() -> loadAndUnload(grpc)));
            for (Thread rival : rivals) {
              Duration most = RepositoryClient.NO_HANG.plusSeconds(SOAK_SECONDS);
              assertThat(rival.join(most)).as("no hang").isTrue();
            }
            assertOneTruth(load, http, grpc);
            loadBoth(load, http, grpc);
            unloadBoth(load, http, grpc);
          }
        });
    assertThat(loads.get()).isPositive();
    assertThat(unloads.get()).isPositive();
    assertThat(notThere.get()).isPositive();
    LOG.info(
        "{} loads and {} unloads by two clients in {} s; {} requests answered,"
            + " {} of them that the model is not there",
        loads,
        unloads,
        SOAK_SECONDS,
        answered,
        notThere);
  }

  private void loadAndUnload(RepositoryClient client) {
    ThreadLocalRandom random = ThreadLocalRandom.current();
    long end = System.nanoTime() + Duration.ofSeconds(SOAK_SECONDS).toNanos();
    while (System.nanoTime() < end) {
      String model = FLEETING.get(random.nextInt(FLEETING.size()));
      boolean load = random.nextBoolean();
      try {
        if (load) {
          client.load(model);
          loads.incrementAndGet();
        } else {
          client.unload(model);
          unloads.incrementAndGet();
        }
      } catch (Exception e) {
        wrong.add((load ? "load " : "unload ") + model + ": " + e);
      }
    }
  }

  private void loadBoth(Load load, RepositoryClient http, RepositoryClient grpc) throws Exception {
    http.load("other");
    grpc.load("third");
    assertThat(assertOneTruth(load, http, grpc))
        .containsEntry("other/1", "READY")
        .containsEntry("third/1", "READY");
  }

  private void unloadBoth(Load load, RepositoryClient http, RepositoryClient grpc)
      throws Exception {
    http.unload("third");
    grpc.unload("other");
    assertThat(assertOneTruth(load, http, grpc))
        .containsEntry("other/1", "UNAVAILABLE: unloaded")
        .containsEntry("third/1", "UNAVAILABLE: unloaded");
  }

  /** Once nothing changes any more, the index over both protocols, readiness and answers agree. */
  private SortedMap<String, String> assertOneTruth(
      Load load, RepositoryClient http, RepositoryClient grpc) throws Exception {
    long end = System.nanoTime() + NO_HANG.toNanos();
    while (http.index().values().stream().anyMatch(state -> state.matches("(UN)?LOADING.*"))
        && System.nanoTime() < end) {
      LockSupport.parkNanos(1_000_000);
    }
    SortedMap<String, String> index = http.index();
    assertThat(grpc.index()).isEqualTo(index);
    assertThat(index).containsEntry("simple/1", "READY");
    assertThat(index.values()).allMatch(state -> state.matches("READY|UNAVAILABLE: unloaded|"));
    for (String model : FLEETING) {
      boolean ready = index.getOrDefault(model + "/1", "").equals("READY");
      for (InferenceClient client : List.of(load.http, load.grpc)) {
        assertThat(client.isModelReady(model)).as(model + " in " + index).isEqualTo(ready);
        InferCall call = call(model, new int[ELEMENTS], new int[ELEMENTS]);
        assertThat(client.infer(call).handle((_, failure) -> failure == null).get())
            .as("an answer of " + model + " in " + index)
            .isEqualTo(ready);
      }
    }
    return index;
  }

  private static InferCall call(String model, int[] left, int[] right) {
    Shape shape = Shape.of(1, ELEMENTS);
    return InferCall.of(
            model, InferInput.ints("INPUT0", shape, left), InferInput.ints("INPUT1", shape, right))
        .withTimeout(NO_HANG);
  }
}
