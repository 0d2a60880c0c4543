package dev.nereid.client;

import static dev.nereid.client.HttpInferenceClientTest.failureOf;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.nereid.core.Shape;
import dev.nereid.protocol.proto.ModelInferRequest;
import dev.nereid.protocol.proto.ModelInferResponse;
import io.grpc.Status;
import io.grpc.stub.ServerCallStreamObserver;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(30)
final class AggregatingClientTest {
  private static final Duration LONG = Duration.ofHours(1);
  private static final AggregationOptions PATIENT = new AggregationOptions(4, LONG, 100);

  private ScriptedServer server;
  private EventLoops loops;
  private AggregatingClient client;

  @BeforeEach
  void start() throws Exception {
    server = new ScriptedServer("m");
    loops = EventLoops.of(1);
    use(PATIENT);
  }

  @AfterEach
  void stop() {
    client.close();
    loops.close();
    server.close();
  }

  /** Makes a client that is connected, so that short timeouts are enough. */
  private void use(AggregationOptions options) {
    var plain = new GrpcInferenceClient(GrpcOptions.of(server.endpoint()), loops);
    var _ = plain.infer(call("", 0)).join();
    server.calls.set(0);
    server.received.clear();
    client = new AggregatingClient(plain, options, loops);
  }

  /** A call with so many rows of two numbers each. */
  private static InferCall call(String id, int... rows) {
    int[] numbers = new int[2 * rows.length];
    for (int i = 0; i < numbers.length; i++) {
      numbers[i] = rows[i / 2] + i % 2;
    }
    return InferCall.of("m", InferInput.ints("x", Shape.of(rows.length, 2), numbers)).withId(id);
  }

  private static int[] numbers(CompletableFuture<InferResult> pending) {
    return pending.join().output("x").ints();
  }

  private ModelInferRequest received() throws InterruptedException {
    ModelInferRequest request = server.received.poll(20, TimeUnit.SECONDS);
    assertThat(request).isNotNull();
    return request;
  }

  private static List<Long> shape(ModelInferRequest request) {
    return request.getInputs(0).getShapeList();
  }

  @Test
  void singleItemsGoTogetherAndEachCallerGetsItsOwnRow() throws Exception {
    List<CompletableFuture<InferResult>> pending = new ArrayList<>();
    for (int i = 0; i < 8; i++) {
      pending.add(client.infer(call("id-" + i, 10 * i)));
    }
    for (int i = 0; i < 8; i++) {
      assertThat(numbers(pending.get(i))).containsExactly(10 * i, 10 * i + 1);
      assertThat(pending.get(i).join().output("x").shape()).isEqualTo(Shape.of(1, 2));
      assertThat(pending.get(i).join().id()).isEqualTo("id-" + i);
    }
    assertThat(shape(received())).containsExactly(4L, 2L);
    assertThat(shape(received())).containsExactly(4L, 2L);
    assertThat(server.calls).hasValue(2);
    assertThat(client.callsSent()).isEqualTo(2);
  }

  @Test
  void whatIsThereGoesAfterTheDelay() throws Exception {
    use(PATIENT.withDelay(Duration.ofMillis(300)));
    var first = client.infer(call("a", 1));
    var second = client.infer(call("b", 2));
    assertThat(numbers(first)).containsExactly(1, 2);
    assertThat(numbers(second)).containsExactly(2, 3);
    assertThat(server.calls).hasValue(1);
  }

  @Test
  void rowsThatDoNotFitBeginTheNextCall() throws Exception {
    var three = client.infer(call("three", 1, 3, 5));
    var two = client.infer(call("two", 7, 9));
    assertThat(numbers(three)).containsExactly(1, 2, 3, 4, 5, 6);
    var others = client.infer(call("others", 11, 13));
    assertThat(numbers(two)).containsExactly(7, 8, 9, 10);
    assertThat(numbers(others)).containsExactly(11, 12, 13, 14);
    assertThat(shape(received())).containsExactly(3L, 2L);
    assertThat(shape(received())).containsExactly(4L, 2L);
    var more = client.infer(call("more", 1, 2, 3, 4, 5, 6));
    assertThat(numbers(more)).hasSize(12);
    assertThat(shape(received())).as("more than fit go alone").containsExactly(6L, 2L);
  }

  @Test
  void onlyCallsThatAreAlikeGoTogether() throws Exception {
    List<CompletableFuture<InferResult>> pending = new ArrayList<>();
    InferInput longer = InferInput.ints("x", Shape.of(1, 3), 1, 2, 3);
    for (int i = 0; i < 4; i++) {
      pending.add(client.infer(call("", i)));
      pending.add(client.infer(InferCall.of("m", longer)));
      pending.add(client.infer(call("", i).withOutputs("x")));
      pending.add(client.infer(call("", i).withParameters(Map.of("priority", 1L))));
      pending.add(client.infer(call("", i).withVersion("1")));
      pending.add(client.infer(call("", i).withModel("n")));
    }
    pending.forEach(CompletableFuture::join);
    assertThat(server.calls).hasValue(6);
    assertThat(server.received).allMatch(request -> request.getInputs(0).getShape(0) == 4);
  }

  @Test
  void callsOfASequenceAndThoseWithoutRowsGoAlone() {
    InferCall step = call("", 1).withParameters(Map.of("sequence_id", 7L));
    InferCall scalar = InferCall.of("m", InferInput.ints("x", Shape.SCALAR, 5));
    assertThat(numbers(client.infer(step))).containsExactly(1, 2);
    assertThat(numbers(client.infer(scalar))).containsExactly(5);
    assertThat(server.calls).hasValue(2);
  }

  @Test
  void elementsOfAnyLengthFindTheirWayBack() {
    List<CompletableFuture<InferResult>> pending = new ArrayList<>();
    for (int i = 0; i < 4; i++) {
      pending.add(
          client.infer(
              InferCall.of("m", InferInput.strings("x", Shape.of(1, 2), "a".repeat(i), "b" + i))));
    }
    for (int i = 0; i < 4; i++) {
      assertThat(pending.get(i).join().output("x").strings())
          .containsExactly("a".repeat(i), "b" + i);
    }
    assertThat(server.calls).hasValue(1);
  }

  @Test
  void aFailureIsToldToEach() {
    server.script = ScriptedServer.failing(Status.INTERNAL.withDescription("broken"), null);
    List<CompletableFuture<InferResult>> pending = new ArrayList<>();
    for (int i = 0; i < 4; i++) {
      pending.add(client.infer(call("", i)));
    }
    for (CompletableFuture<InferResult> each : pending) {
      assertThat(failureOf(each).message()).isEqualTo("broken");
    }
    assertThat(server.calls).hasValue(1);
  }

  @Test
  void aReplyWithoutARowForEachIsRefused() {
    server.script =
        (_, reply) -> {
          reply.onNext(
              ModelInferResponse.newBuilder()
                  .addOutputs(
                      ModelInferResponse.InferOutputTensor.newBuilder()
                          .setName("x")
                          .setDatatype("INT32")
                          .addShape(1))
                  .addRawOutputContents(com.google.protobuf.ByteString.copyFrom(new byte[4]))
                  .build());
          reply.onCompleted();
        };
    var first = client.infer(call("", 1, 2));
    var second = client.infer(call("", 3, 4));
    assertThat(failureOf(first).kind()).isEqualTo(CallFailure.Kind.MALFORMED);
    assertThat(failureOf(second).message())
        .contains("'x' [1] (expected: a first dimension of 4, as was sent)");
  }

  @Test
  void whatCannotBeSentFailsItsCallersAlone() {
    InferCall wrong = call("", 1, 2, 3, 4).withParameters(Map.of("p", 1.5f));
    assertThatThrownBy(() -> client.infer(wrong).join())
        .isInstanceOf(CompletionException.class)
        .hasCauseInstanceOf(IllegalArgumentException.class);
    assertThat(numbers(client.infer(call("", 1, 2, 3, 4)))).hasSize(8);
  }

  @Test
  void whoeverLeavesInTimeIsNotSent() throws Exception {
    var stays = client.infer(call("", 1));
    var leaves = client.infer(call("", 3));
    assertThat(leaves.cancel(true)).isTrue();
    var last = client.infer(call("", 5, 7, 9));
    assertThat(numbers(stays)).containsExactly(1, 2);
    assertThat(numbers(last)).hasSize(6);
    assertThat(shape(received())).containsExactly(4L, 2L);
  }

  @Test
  void theCallIsWithdrawnOnceNobodyWaitsForIt() throws Exception {
    CountDownLatch withdrawn = new CountDownLatch(1);
    server.script =
        (_, reply) ->
            ((ServerCallStreamObserver<?>) reply).setOnCancelHandler(withdrawn::countDown);
    var first = client.infer(call("", 1, 2));
    var second = client.infer(call("", 3, 4).withTimeout(Duration.ofSeconds(1)));
    var _ = received();
    first.cancel(true);
    assertThat(withdrawn.getCount()).isEqualTo(1);
    assertThat(failureOf(second).kind()).isEqualTo(CallFailure.Kind.DEADLINE);
    assertThat(withdrawn.await(20, TimeUnit.SECONDS)).isTrue();
  }

  @Test
  void aTimeoutIsItsCallersOwn() throws Exception {
    server.hold();
    var hasty = client.infer(call("", 1, 2).withTimeout(Duration.ofSeconds(1)));
    var patient = client.infer(call("", 3, 4));
    Runnable answer = server.held.poll(20, TimeUnit.SECONDS);
    assertThat(failureOf(hasty).kind()).isEqualTo(CallFailure.Kind.DEADLINE);
    assertThat(patient).isNotDone();
    answer.run();
    assertThat(numbers(patient)).containsExactly(3, 4, 4, 5);
  }

  @Test
  void nobodyWaitsForOthersLongerThanHalfOfItsTime() {
    var patient = client.infer(call("", 1));
    var hasty = client.infer(call("", 3).withTimeout(Duration.ofSeconds(4)));
    assertThat(numbers(hasty)).containsExactly(3, 4);
    assertThat(numbers(patient)).containsExactly(1, 2);
    assertThat(server.calls).hasValue(1);
  }

  @Test
  void moreThanThereIsRoomForIsRefused() {
    use(PATIENT.withCapacity(4));
    var waiting = client.infer(call("", 1, 2, 3));
    CallFailure refused = failureOf(client.infer(call("", 4, 5)));
    assertThat(refused.kind()).isEqualTo(CallFailure.Kind.LIMIT);
    assertThat(refused.message()).contains("3 items").contains("at most 4");
    assertThat(client.refusedCalls()).isEqualTo(1);
    waiting.cancel(true);
    assertThat(numbers(client.infer(call("", 4, 5, 6, 7)))).as("room again").hasSize(8);
  }

  @Test
  void closingSendsWhatWaitsAndTakesNoMore() throws Exception {
    server.hold();
    var waiting = client.infer(call("", 1));
    Thread closing = Thread.startVirtualThread(client::close);
    Runnable answer = server.held.poll(20, TimeUnit.SECONDS);
    assertThat(failureOf(client.infer(call("", 2))).message()).isEqualTo("client closed");
    assertThat(waiting).isNotDone();
    answer.run();
    assertThat(numbers(waiting)).containsExactly(1, 2);
    assertThat(closing.join(Duration.ofSeconds(20))).isTrue();
  }

  @Test
  void nonsenseIsRefused() {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> AggregationOptions.DEFAULT.withItems(0))
        .withMessage("items: 0 (expected: >= 1)");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> AggregationOptions.DEFAULT.withDelay(Duration.ofMillis(-1)))
        .withMessage("delay: PT-0.001S (expected: not negative)");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> AggregationOptions.DEFAULT.withCapacity(31))
        .withMessage("capacity: 31 (expected: >= 32)");
  }
}
