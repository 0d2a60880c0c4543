package dev.nereid.client;

import static dev.nereid.client.HttpInferenceClientTest.failureOf;
import static org.assertj.core.api.Assertions.assertThat;

import dev.nereid.core.Shape;
import dev.nereid.protocol.proto.GRPCInferenceServiceGrpc;
import dev.nereid.protocol.proto.ModelInferRequest;
import dev.nereid.protocol.proto.ModelInferResponse;
import dev.nereid.protocol.proto.ServerLiveRequest;
import dev.nereid.protocol.proto.ServerLiveResponse;
import io.grpc.Context;
import io.grpc.Server;
import io.grpc.Status;
import io.grpc.netty.NettyServerBuilder;
import io.grpc.stub.StreamObserver;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(25)
final class GrpcInferenceClientTest {
  private static final int MANY = 2_000;
  private final Echo echo = new Echo();
  private Server server;
  private EventLoops loops;
  private GrpcInferenceClient client;

  /** Answers every input as an output; holds calls of the model {@code held} back until told. */
  private static final class Echo extends GRPCInferenceServiceGrpc.GRPCInferenceServiceImplBase {
    final LinkedBlockingQueue<Runnable> held = new LinkedBlockingQueue<>();
    final CountDownLatch cancelled = new CountDownLatch(1);

    @Override
    public void serverLive(ServerLiveRequest request, StreamObserver<ServerLiveResponse> reply) {
      reply.onNext(ServerLiveResponse.newBuilder().setLive(true).build());
      reply.onCompleted();
    }

    @Override
    public void modelInfer(ModelInferRequest request, StreamObserver<ModelInferResponse> reply) {
      switch (request.getModelName()) {
        case "held" -> held.add(() -> answer(request, reply));
        case "full" ->
            reply.onError(Status.UNAVAILABLE.withDescription("too much").asRuntimeException());
        case "never" -> Context.current().addListener(_ -> cancelled.countDown(), Runnable::run);
        default -> answer(request, reply);
      }
    }

    private static void answer(
        ModelInferRequest request, StreamObserver<ModelInferResponse> reply) {
      var response =
          ModelInferResponse.newBuilder()
              .setModelName(request.getModelName())
              .setModelVersion("1")
              .setId(request.getId());
      for (var input : request.getInputsList()) {
        response.addOutputs(
            ModelInferResponse.InferOutputTensor.newBuilder()
                .setName(input.getName())
                .setDatatype(input.getDatatype())
                .addAllShape(input.getShapeList()));
      }
      response.addAllRawOutputContents(request.getRawInputContentsList());
      reply.onNext(response.build());
      reply.onCompleted();
    }
  }

  @BeforeEach
  void open() throws IOException {
    server =
        NettyServerBuilder.forAddress(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0))
            .addService(echo)
            .maxInboundMessageSize(Integer.MAX_VALUE)
            .build()
            .start();
    loops = EventLoops.of(1);
    client =
        new GrpcInferenceClient(GrpcOptions.of(new Endpoint("127.0.0.1", server.getPort())), loops);
  }

  @AfterEach
  void close() {
    client.close();
    server.shutdownNow();
    loops.close();
  }

  @Test
  void tensorsComeBackAsTheyWere() {
    InferResult result =
        client
            .infer(
                InferCall.of(
                        "m",
                        InferInput.floats("f", Shape.of(2, 2), 1, 2, 3, 4),
                        InferInput.strings("s", Shape.of(1), "hello"))
                    .withId("7"))
            .join();
    assertThat(result.id()).isEqualTo("7");
    assertThat(result.output("f").shape()).isEqualTo(Shape.of(2, 2));
    assertThat(result.output("f").floats()).containsExactly(1, 2, 3, 4);
    assertThat(result.output("s").strings()).containsExactly("hello");
    assertThat(client.isLive()).isTrue();
    assertThat(client.isReady()).isFalse();
  }

  @Test
  void aTensorLargerThanAFrameComesBackAsItWas() {
    float[] values = new float[150_528];
    for (int i = 0; i < values.length; i++) {
      values[i] = i;
    }
    assertThat(
            client
                .infer(InferCall.of("m", InferInput.floats("f", Shape.of(150_528), values)))
                .join()
                .output("f")
                .floats())
        .isEqualTo(values);
  }

  @Test
  void thousandsOfCallsAreInFlightOnOneConnectionAndNoReplyIsMixedUp() throws Exception {
    List<CompletableFuture<InferResult>> results = new ArrayList<>();
    for (int i = 0; i < MANY; i++) {
      results.add(client.infer(InferCall.of("held", InferInput.ints("i", Shape.of(1), i))));
    }
    List<Runnable> answers = new ArrayList<>();
    while (answers.size() < MANY) {
      Runnable answer = echo.held.poll(10, TimeUnit.SECONDS);
      assertThat(answer).as("call %s", answers.size()).isNotNull();
      answers.add(answer);
    }
    assertThat(client.connections()).isEqualTo(1);
    answers.reversed().forEach(Runnable::run);
    for (int i = 0; i < MANY; i++) {
      assertThat(results.get(i).join().output("i").ints()).containsExactly(i);
    }
  }

  @Test
  void aRefusalCarriesTheServersCodeAndText() {
    assertThat(failureOf(client.infer(InferCall.of("full"))))
        .isEqualTo(new CallFailure(CallFailure.Kind.SERVER, "UNAVAILABLE", "too much"))
        .matches(CallFailure::isOverload);
  }

  @Test
  void aDeadlineEndsTheCallHereAndAtTheServer() throws Exception {
    var call = client.infer(InferCall.of("never").withTimeout(Duration.ofMillis(50)));
    assertThat(failureOf(call).kind()).isEqualTo(CallFailure.Kind.DEADLINE);
    assertThat(echo.cancelled.await(10, TimeUnit.SECONDS)).isTrue();
  }

  @Test
  void cancellingEndsTheCallAtTheServer() throws Exception {
    var call = client.infer(InferCall.of("never"));
    client.infer(InferCall.of("m")).join(); // the earlier stream is open by now
    assertThat(call.cancel(true)).isTrue();
    assertThat(echo.cancelled.await(10, TimeUnit.SECONDS)).isTrue();
  }

  @Test
  void aServerThatIsNotThereIsAFailureToConnectAndOneThatGoesIsALoss() throws Exception {
    var call = client.infer(InferCall.of("never"));
    client.infer(InferCall.of("m")).join();
    server.shutdownNow().awaitTermination(5, TimeUnit.SECONDS);
    assertThat(failureOf(call).kind()).isIn(CallFailure.Kind.LOST, CallFailure.Kind.CANCELLED);
    assertThat(failureOf(client.infer(InferCall.of("m"))).kind())
        .isEqualTo(CallFailure.Kind.CONNECT);
  }

  @Test
  void aPoolSpreadsCallsOverItsChannels() {
    try (var pool =
        new GrpcInferenceClient(
            GrpcOptions.of(new Endpoint("127.0.0.1", server.getPort())).withChannels(4), loops)) {
      for (int i = 0; i < 8; i++) {
        pool.infer(InferCall.of("m")).join();
      }
      assertThat(pool.connections()).isEqualTo(4);
    }
  }
}
