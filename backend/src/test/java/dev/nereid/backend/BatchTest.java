package dev.nereid.backend;

import static dev.nereid.backend.TestTensors.blobsOf;
import static dev.nereid.backend.TestTensors.floatsOf;
import static dev.nereid.backend.TestTensors.request;
import static dev.nereid.backend.TestTensors.textsOf;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.nereid.core.DataType;
import dev.nereid.core.Failure;
import dev.nereid.core.Fault;
import dev.nereid.core.FaultException;
import dev.nereid.core.InferRequest;
import dev.nereid.core.Lease;
import dev.nereid.core.MemoryPool;
import dev.nereid.core.RequestedOutput;
import dev.nereid.core.Shape;
import dev.nereid.core.Tensor;
import dev.nereid.core.Ticker;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

final class BatchTest {
  private static final Failure REASON = Fault.BACKEND_FAILED.with("because");

  private final MemoryPool pool = new MemoryPool(MemoryPool.Limits.DEFAULT);
  private final TestTensors tensors = new TestTensors(pool);
  private final List<InferRequest> open = new ArrayList<>();

  @AfterEach
  void leavesNoLeaseOpen() {
    open.forEach(request -> request.fail(REASON));
    assertThat(pool.openLeases()).isZero();
  }

  private InferRequest of(Tensor... inputs) {
    InferRequest request = request(new RecordingReply(), inputs);
    open.add(request);
    return request;
  }

  private InferRequest asking(String output, Tensor... inputs) {
    var call =
        new InferRequest.Call(
            "m",
            -1,
            "",
            Map.of(),
            List.of(new RequestedOutput(output, 0)),
            0,
            0,
            0,
            Long.MAX_VALUE);
    InferRequest request = request(call, new RecordingReply(), inputs);
    open.add(request);
    return request;
  }

  private Batch batch(InferRequest... requests) {
    return new Batch(List.of(requests), true, pool, Ticker.system());
  }

  private Tensor row(float... values) {
    return tensors.floats("x", Shape.of(1, values.length), values);
  }

  private void closeOutputs(Batch batch) {
    for (int i = 0; i < batch.requests().size(); i++) {
      batch.leasesOf(i).forEach(Lease::close);
    }
  }

  @Test
  void aSingleRequestIsNotCopied() {
    Tensor only = row(1, 2);
    Batch batch = batch(of(only));
    assertThat(batch.gather("x")).isSameAs(only);
    assertThat(batch.gathersSkipped()).isEqualTo(1);
    assertThat(batch.gathersCopied()).isZero();
  }

  @Test
  void neighboursInOneBlockAreNotCopied() {
    Lease slab = pool.take(6 * Float.BYTES);
    slab.bytes().asFloatBuffer().put(new float[] {1, 2, 3, 4, 5, 6});
    Tensor first = new Tensor("x", DataType.FP32, Shape.of(1, 2), slab.share(), 0, 8);
    Tensor second = new Tensor("x", DataType.FP32, Shape.of(2, 2), slab.share(), 8, 16);
    slab.close();
    Batch batch = batch(of(first), of(second));
    Tensor joined = batch.gather("x");
    assertThat(joined.shape()).isEqualTo(Shape.of(3, 2));
    assertThat(floatsOf(joined)).containsExactly(1, 2, 3, 4, 5, 6);
    assertThat(joined.lease().sameBlock(first.lease())).isTrue();
    assertThat(batch.gathersSkipped()).isEqualTo(1);
  }

  @Test
  void neighboursInTheWrongOrderAreCopied() {
    Lease slab = pool.take(4 * Float.BYTES);
    slab.bytes().asFloatBuffer().put(new float[] {1, 2, 3, 4});
    Tensor first = new Tensor("x", DataType.FP32, Shape.of(1, 2), slab.share(), 0, 8);
    Tensor second = new Tensor("x", DataType.FP32, Shape.of(1, 2), slab.share(), 8, 8);
    slab.close();
    Batch batch = batch(of(second), of(first));
    assertThat(floatsOf(batch.gather("x"))).containsExactly(3, 4, 1, 2);
    assertThat(batch.gathersCopied()).isEqualTo(1);
    batch.releaseInputs();
  }

  @Test
  void scatteredTensorsAreCopiedSideBySide() {
    Batch batch = batch(of(row(1, 2)), of(row(3, 4)));
    Tensor joined = batch.gather("x");
    assertThat(joined.shape()).isEqualTo(Shape.of(2, 2));
    assertThat(floatsOf(joined)).containsExactly(1, 2, 3, 4);
    batch.releaseInputs();
  }

  @Test
  void raggedTensorsAreJoinedFlat() {
    Batch batch = batch(of(row(1)), of(row(2, 3, 4)));
    Tensor joined = batch.gatherRagged("x");
    assertThat(joined.shape()).isEqualTo(Shape.of(4));
    assertThat(floatsOf(joined)).containsExactly(1, 2, 3, 4);
    batch.releaseInputs();
  }

  @Test
  void flatOutputsAreCutByTheElementsOfAnInput() {
    Batch batch = batch(of(row(1)), of(row(2, 3, 4)));
    Tensor output = tensors.floats("y", Shape.of(4), 2, 4, 6, 8);
    batch.scatterRagged(output, output.lease(), "x");
    assertThat(floatsOf(batch.outputsOf(0).getFirst())).containsExactly(2);
    assertThat(batch.outputsOf(1).getFirst().shape()).isEqualTo(Shape.of(1, 3));
    assertThat(floatsOf(batch.outputsOf(1).getFirst())).containsExactly(4, 6, 8);
    closeOutputs(batch);
    Tensor wrong = tensors.floats("z", Shape.of(3), 2, 4, 6);
    assertThatThrownBy(() -> batch.scatterRagged(wrong, wrong.lease(), "x"))
        .hasMessage("output 'z': 12 bytes (expected: 16, the elements of input 'x')");
    batch.failRest(REASON);
  }

  @Test
  void tensorsThatDoNotFitAreRefused() {
    Batch shapes = batch(of(row(1)), of(row(2, 3)));
    assertThatThrownBy(() -> shapes.gather("x"))
        .isInstanceOf(FaultException.class)
        .hasMessage(
            "input 'x': FP32 [1,2] with batch size 1 (expected: to fit FP32 [1,1], the first of its"
                + " batch)");
    Batch types = batch(of(row(1)), of(tensors.ints("x", Shape.of(1, 1), 1)));
    assertThatThrownBy(() -> types.gather("x")).isInstanceOf(FaultException.class);
    assertThatThrownBy(() -> types.gatherRagged("x")).isInstanceOf(FaultException.class);
    assertThatThrownBy(() -> types.gather("y"))
        .hasMessage("input 'y': missing (expected: one tensor)");
  }

  @Test
  void withoutABatchDimensionTwoRequestsAreNotJoined() {
    Batch batch = new Batch(List.of(of(row(1)), of(row(2))), false, pool, Ticker.system());
    assertThatThrownBy(() -> batch.gather("x"))
        .isInstanceOf(IllegalStateException.class)
        .hasMessage("batch: 2 requests (expected: one, the model does not batch)");
  }

  @Test
  void outputsAreCutByRows() {
    Batch batch = batch(of(row(1)), of(tensors.floats("x", Shape.of(2, 1), 1, 2)), of(row(9)));
    Tensor output = tensors.floats("y", Shape.of(4, 2), 1, 2, 3, 4, 5, 6, 7, 8);
    batch.scatter(output, output.lease());
    assertThat(floatsOf(batch.outputsOf(0).getFirst())).containsExactly(1, 2);
    assertThat(floatsOf(batch.outputsOf(1).getFirst())).containsExactly(3, 4, 5, 6);
    assertThat(batch.outputsOf(1).getFirst().shape()).isEqualTo(Shape.of(2, 2));
    assertThat(floatsOf(batch.outputsOf(2).getFirst())).containsExactly(7, 8);
    batch.leasesOf(0).forEach(Lease::close);
    batch.leasesOf(2).forEach(Lease::close);
    assertThat(floatsOf(batch.outputsOf(1).getFirst())).containsExactly(3, 4, 5, 6);
    batch.leasesOf(1).forEach(Lease::close);
  }

  @Test
  void outputsOfBytesAreCutByElements() {
    Batch batch = batch(of(row(1)), of(tensors.floats("x", Shape.of(2, 1), 1, 2)));
    Tensor output = tensors.texts("y", Shape.of(3, 2), "a", "", "bcd", "e", "", "fg");
    batch.scatter(output, output.lease());
    assertThat(textsOf(batch.outputsOf(0).getFirst())).containsExactly("a", "");
    assertThat(textsOf(batch.outputsOf(1).getFirst())).containsExactly("bcd", "e", "", "fg");
    assertThat(batch.outputsOf(1).getFirst().shape()).isEqualTo(Shape.of(2, 2));
    closeOutputs(batch);
  }

  @Test
  void aClientBatchOfBytesKeepsItsLastByte() {
    Batch batch = batch(of(tensors.floats("x", Shape.of(3, 1), 1, 2, 3)));
    Tensor output = tensors.texts("y", Shape.of(3), "a", "bc", "def");
    batch.scatter(output, output.lease());
    assertThat(textsOf(batch.outputsOf(0).getFirst())).containsExactly("a", "bc", "def");
    closeOutputs(batch);
  }

  @Test
  void requestsWithoutRowsGetEmptyOutputs() {
    Tensor none = tensors.floats("x", Shape.of(0, 1));
    Tensor nothing = tensors.floats("x", Shape.of(0, 1));
    Batch batch = batch(of(none), of(nothing));
    assertThat(batch.size()).isZero();
    Tensor output = tensors.texts("y", Shape.of(0, 2));
    batch.scatter(output, output.lease());
    assertThat(batch.outputsOf(1).getFirst().shape()).isEqualTo(Shape.of(0, 2));
    assertThat(blobsOf(batch.outputsOf(1).getFirst())).isEmpty();
    closeOutputs(batch);
  }

  @Test
  void anOutputThatDoesNotCoverTheBatchIsFreedAndRefused() {
    Batch batch = batch(of(row(1)), of(row(2)));
    Tensor output = tensors.floats("y", Shape.of(3, 1), 1, 2, 3);
    assertThatThrownBy(() -> batch.scatter(output, output.lease()))
        .hasMessage("output 'y': shape [3,1] (expected: first dimension 2, the size of the batch)");
  }

  @Test
  void brokenBytesAreFreedAndRefusedAndNoRequestKeepsHalfOfIt() {
    Batch batch = batch(of(row(1)), of(row(2)));
    byte[] cut = Arrays.copyOf(TestTensors.rawOf(good()), 12);
    Tensor output = tensors.raw("y", DataType.BYTES, Shape.of(2, 1), cut);
    assertThatThrownBy(() -> batch.scatter(output, output.lease()))
        .isInstanceOf(FaultException.class)
        .hasMessageContaining("cut off");
    batch.failRest(REASON);
    assertThat(batch.outputsOf(0)).isEmpty();
    assertThat(batch.failureOf(0)).isEqualTo(REASON);
  }

  private Tensor good() {
    Tensor tensor = tensors.texts("y", Shape.of(2, 1), "abc", "defgh");
    open.add(request(new RecordingReply(), tensor));
    return tensor;
  }

  @Test
  void onlyWhatWasAskedForIsKept() {
    Batch batch = batch(asking("y", row(1)), asking("z", row(2)));
    assertThat(batch.wants("y")).isTrue();
    assertThat(batch.wants("w")).isFalse();
    Tensor y = tensors.floats("y", Shape.of(2), 1, 2);
    Tensor z = tensors.floats("z", Shape.of(2), 3, 4);
    Tensor w = tensors.floats("w", Shape.of(2), 5, 6);
    for (Tensor output : List.of(y, z, w)) {
      batch.scatter(output, output.lease());
    }
    assertThat(batch.outputsOf(0)).extracting(Tensor::name).containsExactly("y");
    assertThat(batch.outputsOf(1)).extracting(Tensor::name).containsExactly("z");
    assertThat(floatsOf(batch.outputsOf(1).getFirst())).containsExactly(4);
    closeOutputs(batch);
  }

  @Test
  void aSettledRequestTakesNothingMore() {
    Batch batch = batch(of(row(1)), of(row(2)), of(row(3)));
    batch.fail(0, REASON);
    Tensor own = tensors.floats("y", Shape.of(1), 8);
    batch.respond(1, List.of(own), List.of(own.lease()));
    Tensor late = tensors.floats("y", Shape.of(1), 9);
    batch.respond(1, List.of(late), List.of(late.lease()));
    Tensor output = tensors.floats("y", Shape.of(3), 1, 2, 3);
    batch.scatter(output, output.lease());
    batch.failRest(Fault.INTERNAL.with("later"));
    assertThat(batch.failureOf(0)).isEqualTo(REASON);
    assertThat(batch.failureOf(1)).isNull();
    assertThat(floatsOf(batch.outputsOf(1).getFirst())).containsExactly(8);
    assertThat(batch.failureOf(2)).isEqualTo(Fault.INTERNAL.with("later"));
    closeOutputs(batch);
  }

  @Test
  void aRequestWithoutAnAnswerHasFailed() {
    assertThat(batch(of(row(1))).failureOf(0))
        .isEqualTo(Fault.BACKEND_FAILED.with("the back end gave no answer for this request"));
  }

  @Test
  void isCancelledWhenEveryCallerHasWithdrawn() {
    InferRequest one = of(row(1));
    InferRequest two = of(row(2));
    Batch batch = batch(one, two);
    one.cancel();
    assertThat(batch.isCancelled()).isFalse();
    two.cancel();
    assertThat(batch.isCancelled()).isTrue();
  }
}
