package dev.nereid.bench;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.ByteString;
import dev.nereid.client.CallFailure;
import dev.nereid.client.EncodedCall;
import dev.nereid.client.Endpoint;
import dev.nereid.client.EventLoops;
import dev.nereid.client.GrpcInferenceClient;
import dev.nereid.client.GrpcOptions;
import dev.nereid.client.HttpInferenceClient;
import dev.nereid.client.HttpOptions;
import dev.nereid.client.InferCall;
import dev.nereid.client.InferInput;
import dev.nereid.client.InferenceClient;
import dev.nereid.client.RawReply;
import dev.nereid.client.Receiver;
import dev.nereid.core.Shape;
import dev.nereid.protocol.proto.GRPCInferenceServiceGrpc;
import dev.nereid.protocol.proto.InferParameter;
import dev.nereid.protocol.proto.ModelInferRequest;
import dev.nereid.protocol.proto.ModelInferResponse;
import dev.nereid.protocol.proto.ModelMetadataRequest;
import dev.nereid.protocol.proto.ModelMetadataResponse;
import io.grpc.Context;
import io.grpc.Deadline;
import io.grpc.Server;
import io.grpc.Status;
import io.grpc.netty.NettyServerBuilder;
import io.grpc.stub.StreamObserver;
import io.netty.buffer.ByteBufUtil;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.ObjectMapper;

@Timeout(30)
final class GrpcTruthTest {
  @TempDir Path folder;
  private static final InferParameter NONE = InferParameter.getDefaultInstance();

  private final Identity identity = new Identity();
  private Server server;

  /** Answers with its input; every refuseEach-th inference is refused, if that is not 0. */
  private static final class Identity
      extends GRPCInferenceServiceGrpc.GRPCInferenceServiceImplBase {
    final AtomicLong inferences = new AtomicLong();
    final Map<String, Long> classes = new ConcurrentHashMap<>();
    final Set<ByteString> inputs = ConcurrentHashMap.newKeySet();
    volatile long refuseEach;

    /** Whoever asks by its priority and by the deadline that it has, of the two that are mixed. */
    private void note(ModelInferRequest request) {
      var priority = request.getParametersOrDefault("priority", NONE).getInt64Param();
      Deadline deadline = Context.current().getDeadline();
      String until =
          deadline == null
              ? ""
              : deadline.timeRemaining(TimeUnit.SECONDS) < 60
                  ? ", deadline 60000ms"
                  : ", deadline 600000ms";
      classes.merge("priority " + priority + until, 1L, Long::sum);
      inputs.add(request.getRawInputContents(0));
    }

    @Override
    public void modelMetadata(
        ModelMetadataRequest request, StreamObserver<ModelMetadataResponse> reply) {
      reply.onNext(
          ModelMetadataResponse.newBuilder()
              .setName(request.getName())
              .addInputs(
                  ModelMetadataResponse.TensorMetadata.newBuilder()
                      .setName("x")
                      .setDatatype("FP32")
                      .addShape(-1)
                      .addShape(64))
              .build());
      reply.onCompleted();
    }

    @Override
    public void modelInfer(ModelInferRequest request, StreamObserver<ModelInferResponse> reply) {
      note(request);
      if (refuseEach > 0 && inferences.incrementAndGet() % refuseEach == 0) {
        reply.onError(Status.UNAVAILABLE.withDescription("full").asRuntimeException());
        return;
      }
      var output =
          ModelInferResponse.InferOutputTensor.newBuilder()
              .setName("y")
              .setDatatype("FP32")
              .addAllShape(request.getInputs(0).getShapeList());
      reply.onNext(
          ModelInferResponse.newBuilder()
              .setModelName(request.getModelName())
              .addOutputs(output)
              .addRawOutputContents(request.getRawInputContents(0))
              .build());
      reply.onCompleted();
    }
  }

  @BeforeEach
  void start() throws IOException {
    server =
        NettyServerBuilder.forAddress(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0))
            .addService(identity)
            .build()
            .start();
  }

  @AfterEach
  void stop() {
    server.shutdownNow();
  }

  private JsonNode bench(int expectedExit, String... more) throws IOException {
    Path json = folder.resolve("out.json");
    String[] fixed = {
      "-u",
      "127.0.0.1:" + server.getPort(),
      "-m",
      "m",
      "--metrics-url",
      "none",
      "--json",
      json.toString(),
      "-q"
    };
    String[] all = Arrays.copyOf(fixed, fixed.length + more.length);
    System.arraycopy(more, 0, all, fixed.length, more.length);
    StringWriter out = new StringWriter();
    StringWriter err = new StringWriter();
    int exit =
        new CommandLine(new BenchCommand())
            .setOut(new PrintWriter(out))
            .setErr(new PrintWriter(err))
            .execute(all);
    assertThat(exit).as("%s%s", out, err).isEqualTo(expectedExit);
    return new ObjectMapper().readTree(json).path("runs").path(0);
  }

  @Test
  void everyReplyOfManyInFlightOnOneConnectionIsTheRightOne() throws Exception {
    JsonNode run = bench(0, "-c", "500", "-w", "0s", "-n", "2000", "--inputs", "100", "--verify");
    assertThat(run.path("completed").intValue()).isEqualTo(2_000);
    assertThat(run.path("connections").intValue()).isEqualTo(1);
    assertThat(run.path("server_cpu_per_request").isNull()).isTrue();
    assertThat(run.path("models")).isEmpty();
  }

  @Test
  void channelsOfTheirOwnAreAsManyConnections() throws Exception {
    JsonNode run = bench(0, "-c", "5", "-w", "0s", "-n", "200", "--channels", "per-client");
    assertThat(run.path("connections").intValue()).isEqualTo(5);
    assertThat(
            bench(0, "-c", "5", "-w", "0s", "-n", "200", "--channels", "2")
                .path("connections")
                .intValue())
        .isEqualTo(2);
  }

  @Test
  void refusalsAreCountedExactlyUnderTheirCode() throws Exception {
    identity.refuseEach = 20;
    JsonNode run = bench(0, "-c", "8", "-w", "0s", "-n", "1000");
    assertThat(run.path("failures").path("server UNAVAILABLE").intValue()).isEqualTo(50);
    assertThat(run.path("completed").intValue()).isEqualTo(950);
  }

  @Test
  void prioritiesAndDeadlinesReachTheServerAsTheyAreMixed() throws Exception {
    String[] load = {
      "-c4", "-w0s", "-n600", "--priority", "1=20,2=80", "--deadline", "1m=50,10m=50"
    };
    JsonNode run = bench(0, load);
    Map<String, Long> told = new HashMap<>();
    for (JsonNode each : run.path("classes")) {
      told.put(each.path("name").asString(""), each.path("latency").path("count").longValue());
    }
    assertThat(told).hasSize(4).isEqualTo(identity.classes);
    // 60 of 600 are expected; five standard deviations are 37.
    assertThat(told.get("priority 1, deadline 60000ms")).isBetween(23L, 97L);
    assertThat(told.get("priority 2, deadline 600000ms")).isBetween(186L, 294L);
    JsonNode mix = run.path("plan").path("mix");
    assertThat(mix).hasSize(4);
    assertThat(mix.path(0).path("priority").intValue()).isEqualTo(1);
    assertThat(mix.path(0).path("deadline_seconds").doubleValue()).isEqualTo(60);
    assertThat(mix.path(0).path("weight").doubleValue()).isEqualTo(1_000);
  }

  @Test
  void theBytesOfAFileAreWhatIsSentAndMistakesInDataAreRefused() throws Exception {
    byte[] bytes = "sixteen letters.".repeat(16).getBytes(StandardCharsets.US_ASCII);
    Path file = Files.write(folder.resolve("x.bin"), bytes);
    bench(0, "-c2", "-w0s", "-n20", "--data", "x=" + file, "--verify");
    assertThat(identity.inputs).containsExactly(ByteString.copyFrom(bytes));
    Path few = Files.write(folder.resolve("few.bin"), new byte[12]);
    for (String data : List.of("x=" + few, "y=zero", "x=" + folder.resolve("none"))) {
      BenchRun refused =
          BenchRun.command(
              "-u=127.0.0.1:" + server.getPort(), "-m=m", "--metrics-url=none", "--data=" + data);
      assertThat(refused.exit()).as(data).isEqualTo(2);
      assertThat(refused.err().lines()).as(data).hasSize(1);
    }
    assertThat(BenchRun.command("-u=http://h/detect", "--images=" + file, "--priority=1").err())
        .contains("--priority: over image (expected: a protocol that has priorities");
  }

  @Test
  void theBodyForOtherToolsIsARequestThatTheServerUnderstands() throws Exception {
    Path body = folder.resolve("body");
    int exit =
        new CommandLine(new BenchCommand())
            .execute(
                "body", "-u", "127.0.0.1:" + server.getPort(), "-m", "m", "-o", body.toString());
    assertThat(exit).isZero();
    ByteBuffer frame = ByteBuffer.wrap(Files.readAllBytes(body));
    assertThat(frame.get()).isZero();
    assertThat(frame.getInt()).isEqualTo(frame.remaining());
    ModelInferRequest request = ModelInferRequest.parseFrom(frame);
    assertThat(request.getModelName()).isEqualTo("m");
    assertThat(request.getRawInputContents(0).size()).isEqualTo(256);
  }

  @Test
  void theScriptForWrkPostsTheBinaryForm() throws Exception {
    Path body = folder.resolve("body");
    try (var http = new KnownServer(_ -> new KnownServer.Act.Answer(0))) {
      int exit =
          new CommandLine(new BenchCommand())
              .execute("body", "-i", "http", "-u", http.url(), "-m", "m", "-o", body.toString());
      assertThat(exit).isZero();
    }
    assertThat(Files.readString(Path.of(body + ".lua")))
        .contains(
            "wrk.method = \"POST\"",
            "wrk.path = \"/v2/models/m/infer\"",
            "Inference-Header-Content-Length")
        .doesNotContain("Content-Length\"] = \"0");
    assertThat(Files.size(body)).isGreaterThan(16);
  }

  @Test
  void theBareEchoAnswersBothTransportsWithWhatItGot() throws Exception {
    try (var echo = EchoServer.start(0, 0);
        var loops = EventLoops.of(1);
        var grpc =
            new GrpcInferenceClient(
                GrpcOptions.of(new Endpoint("127.0.0.1", echo.grpcPort())), loops);
        var http =
            new HttpInferenceClient(
                HttpOptions.of(new Endpoint("127.0.0.1", echo.httpPort())), loops)) {
      for (InferenceClient client : new InferenceClient[] {grpc, http}) {
        for (int floats : new int[] {4, 150_528}) {
          EncodedCall call =
              client.encode(
                  InferCall.of("m", InferInput.floats("x", Shape.of(floats), new float[floats])));
          assertThat(endOf(call.toByteArray(), 16)).isEqualTo(endOf(echoed(client, call), 16));
        }
      }
    }
  }

  private static byte[] endOf(byte[] bytes, int length) {
    return Arrays.copyOfRange(bytes, bytes.length - length, bytes.length);
  }

  private static byte[] echoed(InferenceClient client, EncodedCall call) {
    CompletableFuture<byte[]> echoed = new CompletableFuture<>();
    client.send(
        call,
        0,
        0,
        new Receiver() {
          @Override
          public void received(RawReply reply) {
            echoed.complete(ByteBufUtil.getBytes(reply.body()));
          }

          @Override
          public void failed(CallFailure failure) {
            echoed.completeExceptionally(new IllegalStateException(failure.toString()));
          }
        });
    return echoed.join();
  }
}
