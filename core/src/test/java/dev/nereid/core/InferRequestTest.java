package dev.nereid.core;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** A request: one outcome, inputs given back with it, cancellation inherited. */
final class InferRequestTest {
  private final MemoryPool pool = new MemoryPool(MemoryPool.Limits.DEFAULT);
  private final List<String> heard = new ArrayList<>();
  private final Reply reply =
      new Reply() {
        @Override
        public void respond(InferResponse response) {
          heard.add("response");
          response.close();
        }

        @Override
        public void fail(Failure failure) {
          heard.add(failure.message());
        }

        @Override
        public void flush() {
          heard.add("flush");
        }
      };

  @AfterEach
  void nothingIsLeftOpen() {
    assertThat(pool.openLeases()).isZero();
  }

  private InferRequest request() {
    Lease lease = pool.take(4);
    return new InferRequest(
        InferRequest.Call.of("m", 0),
        List.of(new Tensor("x", DataType.FP32, Shape.of(1), lease, 0, 4)),
        List.of(lease),
        reply);
  }

  private InferResponse response() {
    Lease lease = pool.take(4);
    return new InferResponse("m", 1, "", Map.of(), List.of(), List.of(lease), Timings.NONE);
  }

  @Test
  void anOutcomeGivesTheInputsBackAndIsFlushed() {
    request().respond(response());
    request().fail(Fault.INTERNAL.with("broken"));
    assertThat(heard).containsExactly("response", "flush", "broken", "flush");
  }

  @Test
  void aHeldOutcomeIsFlushedByTheHolder() {
    InferRequest request = request();
    request.hold(response());
    assertThat(heard).containsExactly("response");
    assertThat(request.isDone()).isTrue();
  }

  @Test
  void aSecondOutcomeIsADefectAndLeaksNothing() {
    InferRequest request = request();
    request.respond(response());
    assertThatIllegalStateException().isThrownBy(() -> request.respond(response()));
    assertThatIllegalStateException()
        .isThrownBy(() -> request.fail(Fault.INTERNAL.with("late")))
        .withMessageContaining("answered twice");
    assertThat(heard).containsExactly("response", "flush");
  }

  @Test
  void aChildIsCancelledWithItsParent() {
    InferRequest parent = request();
    InferRequest child =
        new InferRequest(InferRequest.Call.of("m", 0), List.of(), List.of(), reply, parent);
    assertThat(child.isCancelled()).isFalse();
    parent.cancel();
    assertThat(child.isCancelled()).isTrue();
    parent.fail(Fault.CANCELLED.with("gone"));
  }

  @Test
  void findsInputsByName() {
    InferRequest request = request();
    assertThat(request.input("x")).isNotNull();
    assertThat(request.input("y")).isNull();
    request.fail(Fault.CANCELLED.with("done"));
  }
}
