package dev.nereid.app;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.nereid.client.AggregatingClient;
import dev.nereid.client.AggregationOptions;
import dev.nereid.client.CallFailure;
import dev.nereid.client.Endpoint;
import dev.nereid.client.EventLoops;
import dev.nereid.client.GrpcInferenceClient;
import dev.nereid.client.GrpcOptions;
import dev.nereid.client.HttpInferenceClient;
import dev.nereid.client.HttpOptions;
import dev.nereid.client.ImageClient;
import dev.nereid.client.ImageForm;
import dev.nereid.client.InferCall;
import dev.nereid.client.InferInput;
import dev.nereid.client.InferResult;
import dev.nereid.client.InferenceClient;
import dev.nereid.client.InferenceException;
import dev.nereid.client.ModelInfo;
import dev.nereid.client.PicturePreparation;
import dev.nereid.client.PicturePreparation.Outcome;
import dev.nereid.client.RetryingClient;
import dev.nereid.client.TlsOptions;
import dev.nereid.client.UpstreamOptions;
import dev.nereid.core.DataType;
import dev.nereid.core.Shape;
import dev.nereid.http.TestCertificates;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Runs what docs/client-library.md shows, and sees to it that it shows what runs. */
@Timeout(60)
final class ClientGuideTest {
  private static final Path GUIDE = RunningProgram.HOME.resolve("docs/client-library.md");
  private static final Path HERE =
      RunningProgram.HOME.resolve("app/src/test/java/dev/nereid/app/ClientGuideTest.java");

  private static RunningProgram program;
  private static Endpoint http;
  private static Endpoint grpc;

  @BeforeAll
  static void start() throws Exception {
    program = RunningProgram.ofDemoModels();
    http = RunningProgram.at(program.server.httpPort());
    grpc = RunningProgram.at(program.server.grpcPort());
  }

  @AfterAll
  static void stop() {
    program.close();
  }

  @Test
  void asking() {
    int[] sum = sum();
    assertThat(sum).startsWith(1, 3, 5).hasSize(16);
  }

  private static int[] sum() {
    int[] numbers = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
    int[] ones = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16};
    // [ask
    try (EventLoops loops = EventLoops.of(2);
        InferenceClient client = new GrpcInferenceClient(GrpcOptions.of(grpc), loops)) {
      InferCall call =
          InferCall.of(
              "simple",
              InferInput.ints("INPUT0", Shape.of(1, 16), numbers),
              InferInput.ints("INPUT1", Shape.of(1, 16), ones));
      InferResult result = client.infer(call).join();
      return result.output("OUTPUT0").ints();
    }
    // ask]
  }

  @Test
  void overHttp() {
    try (EventLoops loops = EventLoops.of(1)) {
      // [http
      InferenceClient client = new HttpInferenceClient(HttpOptions.of(http), loops);
      ModelInfo model = client.model("simple");
      boolean ready = client.isReady() && client.isModelReady("simple");
      // http]
      assertThat(ready).isTrue();
      assertThat(model.inputs()).hasSize(2);
      client.close();
    }
  }

  @Test
  void segments() {
    try (EventLoops loops = EventLoops.of(1);
        InferenceClient client = new GrpcInferenceClient(GrpcOptions.of(grpc), loops)) {
      // [segments
      try (Arena arena = Arena.ofConfined()) {
        MemorySegment numbers = arena.allocate(ValueLayout.JAVA_INT, 16);
        numbers.setAtIndex(ValueLayout.JAVA_INT, 3, 7);
        Shape shape = Shape.of(1, 16);
        InferResult result =
            client
                .infer(
                    InferCall.of(
                        "simple",
                        InferInput.segment("INPUT0", DataType.INT32, shape, numbers),
                        InferInput.segment("INPUT1", DataType.INT32, shape, numbers)))
                .join();
        MemorySegment sums = result.output("OUTPUT0").segment();
        int fourth = sums.getAtIndex(ValueLayout.JAVA_INT_UNALIGNED, 3); // 14
        // segments]
        assertThat(fourth).isEqualTo(14);
      }
    }
  }

  private static InferCall simple() {
    Shape shape = Shape.of(1, 16);
    return InferCall.of(
        "simple",
        InferInput.ints("INPUT0", shape, new int[16]),
        InferInput.ints("INPUT1", shape, new int[16]));
  }

  @Test
  void manyAtOnceWithDeadlineAndCancellation() {
    try (EventLoops loops = EventLoops.of(1);
        InferenceClient client = new GrpcInferenceClient(GrpcOptions.of(grpc), loops)) {
      List<InferCall> calls = List.of(simple(), simple(), simple());
      // [many
      List<CompletableFuture<InferResult>> pending =
          calls.stream()
              .map(call -> client.infer(call.withTimeout(Duration.ofSeconds(2))))
              .toList();
      CompletableFuture.allOf(pending.toArray(CompletableFuture[]::new)).join();
      // many]
      assertThat(pending).allMatch(each -> each.join().outputs().size() == 2);
      // [cancel
      CompletableFuture<InferResult> unwanted = client.infer(simple());
      unwanted.cancel(true); // the server is told, and spares itself the work if it can
      // cancel]
      assertThat(unwanted).isCompletedExceptionally();
    }
  }

  @Test
  void failures() {
    try (EventLoops loops = EventLoops.of(1);
        InferenceClient client = new HttpInferenceClient(HttpOptions.of(http), loops)) {
      String seen = told(client);
      assertThat(seen).contains("404", "nowhere");
    }
  }

  private static String told(InferenceClient client) {
    InferCall call = simple().withModel("nowhere");
    // [failures
    try {
      return client.infer(call).join().model();
    } catch (CompletionException e) {
      if (!(e.getCause() instanceof InferenceException failed)) {
        throw e;
      }
      CallFailure failure = failed.failure();
      return switch (failure.kind()) {
        case SERVER -> "the server says " + failure.code() + ": " + failure.message();
        case CONNECT, LOST -> "no server: " + failure.message();
        case DEADLINE -> "too late";
        case CANCELLED -> "withdrawn";
        case MALFORMED -> "this is no v2 server: " + failure.message();
        case LIMIT -> "too many calls wait in this client";
      };
    }
    // failures]
  }

  @Test
  void retries() {
    try (EventLoops loops = EventLoops.of(1)) {
      // [retries
      InferenceClient plain = new GrpcInferenceClient(GrpcOptions.of(grpc), loops);
      InferenceClient client = new RetryingClient(plain, UpstreamOptions.Retry.DEFAULT, loops);
      // retries]
      assertThat(client.infer(simple()).join().outputs()).hasSize(2);
      client.close();
    }
  }

  @Test
  void together() {
    try (EventLoops loops = EventLoops.of(1)) {
      List<InferCall> calls = List.of(simple(), simple(), simple());
      // [together
      InferenceClient plain = new GrpcInferenceClient(GrpcOptions.of(grpc), loops);
      InferenceClient client =
          new AggregatingClient(plain, AggregationOptions.DEFAULT.withItems(8), loops);
      List<CompletableFuture<InferResult>> pending = calls.stream().map(client::infer).toList();
      // together]
      assertThat(pending)
          .allMatch(each -> each.join().output("OUTPUT0").shape().equals(Shape.of(1, 16)));
      client.close();
    }
  }

  @Test
  void tls(@TempDir Path folder) throws Exception {
    TestCertificates authority = new TestCertificates("authority");
    Path roots = authority.writeRoot(folder.resolve("roots.pem"));
    Path certificate = folder.resolve("own.pem");
    Path key = folder.resolve("own.key");
    authority.issue("both").writeTo(certificate, key);
    try (RunningProgram secured =
            new RunningProgram(
                List.of(Files.createDirectory(folder.resolve("models"))),
                "--grpc-use-ssl=true",
                "--grpc-use-ssl-mutual=true",
                "--grpc-server-cert=" + certificate,
                "--grpc-server-key=" + key,
                "--grpc-root-cert=" + roots);
        EventLoops loops = EventLoops.of(1)) {
      Endpoint server = new Endpoint("localhost", secured.server.grpcPort());
      // [tls
      TlsOptions tls = TlsOptions.trusting(roots).showing(certificate, key);
      InferenceClient client = new GrpcInferenceClient(GrpcOptions.of(server).withTls(tls), loops);
      // tls]
      assertThat(client.isReady()).isTrue();
      client.close();
    }
  }

  @Test
  void pictures() throws Exception {
    Endpoint gateway = RunningProgram.at(program.server.gatewayPort());
    try (EventLoops loops = EventLoops.of(1)) {
      String answer = detected(gateway, loops, RunningProgram.sample("large.jpg"));
      assertThat(answer).contains("\"width\":2048,\"height\":1536");
    }
  }

  private static String detected(Endpoint gateway, EventLoops loops, byte[] photo) {
    Duration patience = Duration.ofSeconds(10);
    // [pictures
    try (ImageClient client = new ImageClient(HttpOptions.of(gateway), loops)) {
      PicturePreparation preparation =
          PicturePreparation.DEFAULT.within(client.limits(patience).join());
      return switch (preparation.prepare(photo)) {
        case Outcome.Ready ready ->
            client.post("/detect", ImageForm.RAW, ready.bytes(), patience).join();
        case Outcome.Unfit unfit -> throw new IllegalArgumentException(unfit.reason());
      };
    }
    // pictures]
  }

  @Test
  void theGuideShowsWhatRunsHere() throws Exception {
    String guide = Files.readString(GUIDE);
    List<String> source = Files.readAllLines(HERE);
    int shown = 0;
    for (int i = 0; i < source.size(); i++) {
      String line = source.get(i).strip();
      if (line.startsWith("// [")) {
        int end = i + 1;
        while (!source.get(end).strip().equals("// " + line.substring(4) + "]")) {
          end++;
        }
        assertThat(guide).contains(indented(source.subList(i + 1, end)));
        shown++;
      }
    }
    assertThat(shown).isEqualTo(10);
  }

  /** As the guide has it: four blanks before what stands leftmost. */
  private static String indented(List<String> lines) {
    return String.join("\n", lines).stripIndent().indent(4).stripTrailing();
  }

  @Test
  void aServerThatIsNotThereIsSaidSo() {
    try (EventLoops loops = EventLoops.of(1);
        InferenceClient client =
            new HttpInferenceClient(HttpOptions.of(new Endpoint("127.0.0.1", 1)), loops)) {
      assertThatThrownBy(() -> client.infer(simple()).join())
          .hasCauseInstanceOf(InferenceException.class);
    }
  }
}
