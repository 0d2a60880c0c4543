package dev.nereid.bench;

import static org.assertj.core.api.Assertions.assertThat;

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
import dev.nereid.protocol.proto.ModelInferRequest;
import dev.nereid.protocol.proto.ModelInferResponse;
import dev.nereid.protocol.proto.ModelMetadataRequest;
import dev.nereid.protocol.proto.ModelMetadataResponse;
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
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.concurrent.CompletableFuture;
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
  private final Identity identity = new Identity();
  private Server server;

  /** Answers with its input; every refuseEach-th inference is refused, if that is not 0. */
  private static final class Identity
      extends GRPCInferenceServiceGrpc.GRPCInferenceServiceImplBase {
    final AtomicLong inferences = new AtomicLong();
    volatile long refuseEach;

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
