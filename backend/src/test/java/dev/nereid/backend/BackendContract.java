package dev.nereid.backend;

import static dev.nereid.backend.TestTensors.blobsOf;
import static dev.nereid.backend.TestTensors.floatsOf;
import static dev.nereid.backend.TestTensors.request;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatNoException;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.nereid.config.proto.ModelConfig;
import dev.nereid.core.DataType;
import dev.nereid.core.Fault;
import dev.nereid.core.InferRequest;
import dev.nereid.core.InferResponse;
import dev.nereid.core.MemoryPool;
import dev.nereid.core.RequestedOutput;
import dev.nereid.core.Shape;
import dev.nereid.core.Tensor;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.ServiceLoader;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/**
 * What every back end must do. A new back end is done when its subclass of this passes; what is
 * particular to it, the subclass tests too.
 *
 * <p>The subclass names two models. {@link #numbers} has {@code max_batch_size} of at least 8, an
 * input {@code INPUT0} FP32 [4] and an output {@code OUTPUT0} FP32 [4] that is {@link #expected} of
 * it, element by element. {@link #texts} is the same with BYTES [2], unchanged; null if the back
 * end cannot have such a model.
 */
public abstract class BackendContract {
  private static final int WIDTH = 4;

  /** Where everything of a test is allocated. */
  protected final MemoryPool pool = new MemoryPool(MemoryPool.Limits.DEFAULT);

  /** Makes tensors in {@link #pool}. */
  protected final TestTensors tensors = new TestTensors(pool);

  /** Runs batches of models that batch. */
  protected final TestRunner runner = new TestRunner(pool, true);

  /** The back end under test. */
  protected abstract BackendProvider provider();

  /** The model that maps FP32 [4] to FP32 [4]. */
  protected abstract ModelConfig numbers();

  /** The model that returns BYTES [2]. */
  protected abstract @Nullable ModelConfig texts();

  /** Where the files of a model are. */
  protected abstract ModelFiles files(ModelConfig config);

  /** What {@link #numbers} makes of a value. */
  protected float expected(float input) {
    return input;
  }

  /** Whether the model itself says what type an input must have. */
  protected boolean checksTypes() {
    return true;
  }

  /** Opens a model the way a server does. */
  protected Model open(ModelConfig config) {
    ModelConfig complete = provider().complete(config, files(config), Map.of());
    return provider().open(new ModelContext(complete, 1, files(config), Map.of(), pool, 2));
  }

  @AfterEach
  void leavesNoLeaseOpen() {
    assertThat(pool.openLeases()).as("open leases").isZero();
    pool.close();
  }

  private Tensor rows(int rows, float first) {
    float[] values = new float[rows * WIDTH];
    for (int i = 0; i < values.length; i++) {
      values[i] = first + i;
    }
    return tensors.floats("INPUT0", Shape.of(rows, WIDTH), values);
  }

  private void assertAnswers(RecordingReply reply, int rows, float first) {
    Tensor output = reply.response().output("OUTPUT0");
    assertThat(output.shape()).isEqualTo(Shape.of(rows, WIDTH));
    float[] values = floatsOf(output);
    assertThat(values).hasSize(rows * WIDTH);
    for (int i = 0; i < values.length; i++) {
      assertThat(values[i]).as("element " + i).isEqualTo(expected(first + i));
    }
  }

  private interface Body {
    void with(Instance instance) throws Exception;
  }

  private void onInstance(ModelConfig config, Body body) throws Exception {
    try (Model model = open(config);
        Instance instance = model.newInstance(new Placement("group", 0, -1))) {
      body.with(instance);
    }
  }

  @Test
  void answersABatchOfOne() throws Exception {
    onInstance(
        numbers(),
        instance -> {
          try (var reply = new RecordingReply()) {
            runner.run(instance, request(reply, rows(1, 5)));
            assertAnswers(reply, 1, 5);
          }
        });
  }

  @Test
  void splitsABatchByTheRowsOfItsRequests() throws Exception {
    onInstance(
        numbers(),
        instance -> {
          try (var one = new RecordingReply();
              var three = new RecordingReply();
              var two = new RecordingReply()) {
            runner.run(
                instance,
                request(one, rows(1, 100)),
                request(three, rows(3, 200)),
                request(two, rows(2, 300)));
            assertAnswers(one, 1, 100);
            assertAnswers(three, 3, 200);
            assertAnswers(two, 2, 300);
          }
        });
  }

  @Test
  void answersAClientBatch() throws Exception {
    onInstance(
        numbers(),
        instance -> {
          try (var reply = new RecordingReply()) {
            runner.run(instance, request(reply, rows(8, -4)));
            assertAnswers(reply, 8, -4);
          }
        });
  }

  @Test
  void answersARequestOfNoRows() throws Exception {
    onInstance(
        numbers(),
        instance -> {
          try (var none = new RecordingReply();
              var some = new RecordingReply();
              var alone = new RecordingReply()) {
            runner.run(instance, request(none, rows(0, 0)), request(some, rows(2, 7)));
            assertAnswers(none, 0, 0);
            assertAnswers(some, 2, 7);
            runner.run(instance, request(alone, rows(0, 0)));
            assertAnswers(alone, 0, 0);
          }
        });
  }

  @Test
  void answersOutliveTheNextExecution() throws Exception {
    onInstance(
        numbers(),
        instance -> {
          try (var first = new RecordingReply();
              var second = new RecordingReply()) {
            runner.run(instance, request(first, rows(2, 10)));
            runner.run(instance, request(second, rows(2, 20)));
            assertAnswers(first, 2, 10);
            assertAnswers(second, 2, 20);
          }
        });
  }

  @Test
  void answersOutliveTheModel() throws Exception {
    try (var reply = new RecordingReply()) {
      onInstance(numbers(), instance -> runner.run(instance, request(reply, rows(2, 1))));
      assertAnswers(reply, 2, 1);
    }
  }

  @Test
  void answersOutputsThatAreAskedFor() throws Exception {
    var call =
        new InferRequest.Call(
            "model",
            -1,
            "id",
            Map.of(),
            List.of(new RequestedOutput("OUTPUT0", 0)),
            0,
            0,
            0,
            Long.MAX_VALUE);
    onInstance(
        numbers(),
        instance -> {
          try (var reply = new RecordingReply();
              var other = new RecordingReply()) {
            runner.run(instance, request(call, reply, rows(1, 1)), request(other, rows(1, 2)));
            assertAnswers(reply, 1, 1);
            assertAnswers(other, 1, 2);
          }
        });
  }

  @Test
  void keepsBytesAsTheyAreAndApart() throws Exception {
    ModelConfig config = texts();
    assumeTrue(config != null, "no BYTES model");
    byte[] notUtf8 = {(byte) 0xff, 0, (byte) 0xc3, 0x28, (byte) 0x80};
    byte[] jpegLike = new byte[3000];
    jpegLike[0] = (byte) 0xff;
    jpegLike[1] = (byte) 0xd8;
    onInstance(
        config,
        instance -> {
          try (var one = new RecordingReply();
              var two = new RecordingReply();
              var alone = new RecordingReply()) {
            Tensor first = tensors.blobs("INPUT0", Shape.of(1, 2), notUtf8, new byte[0]);
            Tensor second =
                tensors.blobs("INPUT0", Shape.of(2, 2), new byte[1], jpegLike, notUtf8, jpegLike);
            runner.run(instance, request(one, first), request(two, second));
            assertBlobs(one.response(), Shape.of(1, 2), notUtf8, new byte[0]);
            assertBlobs(two.response(), Shape.of(2, 2), new byte[1], jpegLike, notUtf8, jpegLike);
            Tensor third =
                tensors.blobs("INPUT0", Shape.of(2, 2), notUtf8, notUtf8, jpegLike, new byte[0]);
            runner.run(instance, request(alone, third));
            assertBlobs(alone.response(), Shape.of(2, 2), notUtf8, notUtf8, jpegLike, new byte[0]);
          }
        });
  }

  private static void assertBlobs(InferResponse response, Shape shape, byte[]... expected) {
    Tensor output = response.output("OUTPUT0");
    assertThat(output.type()).isEqualTo(DataType.BYTES);
    assertThat(output.shape()).isEqualTo(shape);
    assertThat(blobsOf(output)).containsExactly(expected);
  }

  @Test
  void aMissingInputFailsAndTheNextBatchIsAnswered() throws Exception {
    onInstance(
        numbers(),
        instance -> {
          try (var lacking = new RecordingReply();
              var good = new RecordingReply()) {
            Tensor stray = tensors.floats("STRAY", Shape.of(1, WIDTH), 1, 2, 3, 4);
            runner.run(instance, request(lacking, stray));
            assertThat(lacking.failure().fault())
                .isIn(Fault.INVALID_ARGUMENT, Fault.BACKEND_FAILED);
            assertThat(lacking.failure().message()).contains("INPUT0");
            runner.run(instance, request(good, rows(1, 3)));
            assertAnswers(good, 1, 3);
          }
        });
  }

  @Test
  void aWrongTypeFailsEveryRequestOfTheBatchAndNoOther() throws Exception {
    assumeTrue(checksTypes(), "takes any type");
    onInstance(
        numbers(),
        instance -> {
          try (var wrong = new RecordingReply();
              var good = new RecordingReply()) {
            Tensor doubles =
                tensors.raw(
                    "INPUT0", DataType.FP64, Shape.of(1, WIDTH), new byte[WIDTH * Double.BYTES]);
            runner.run(instance, request(wrong, doubles));
            assertThat(wrong.failure().message()).contains("INPUT0");
            runner.run(instance, request(good, rows(1, 3)));
            assertAnswers(good, 1, 3);
          }
        });
  }

  @Test
  void requestsThatDoNotFitEachOtherFailWithoutHarm() throws Exception {
    assumeTrue(checksTypes(), "takes any shape");
    onInstance(
        numbers(),
        instance -> {
          try (var wide = new RecordingReply();
              var good = new RecordingReply();
              var after = new RecordingReply()) {
            Tensor five = tensors.floats("INPUT0", Shape.of(1, 5), 1, 2, 3, 4, 5);
            runner.run(instance, request(good, rows(1, 0)), request(wide, five));
            assertThat(wide.failure().message()).contains("INPUT0");
            assertThat(good.failure().message()).contains("INPUT0");
            runner.run(instance, request(after, rows(1, 3)));
            assertAnswers(after, 1, 3);
          }
        });
  }

  @Test
  void cancellingBeforeAndAfterIsHarmless() throws Exception {
    onInstance(
        numbers(),
        instance -> {
          try (var reply = new RecordingReply()) {
            InferRequest request = request(reply, rows(1, 1));
            request.cancel();
            assertThatNoException().isThrownBy(() -> runner.run(instance, request));
            reply.await();
            request.cancel();
          }
        });
  }

  @Test
  void instancesRunAtTheSameTime() throws Exception {
    try (Model model = open(numbers());
        Instance left = model.newInstance(new Placement("group", 0, -1));
        Instance right = model.newInstance(new Placement("group", 1, -1));
        var threads = Executors.newFixedThreadPool(2)) {
      List<Future<?>> ends = new ArrayList<>();
      ends.add(threads.submit(() -> repeat(() -> left, 1)));
      ends.add(threads.submit(() -> repeat(() -> right, 1000)));
      for (Future<?> end : ends) {
        await(end);
      }
    }
  }

  private void repeat(Callable<Instance> instance, float first) {
    for (int i = 0; i < 300; i++) {
      try (var one = new RecordingReply();
          var two = new RecordingReply()) {
        runner.run(
            instance.call(), request(one, rows(1, first + i)), request(two, rows(2, first - i)));
        assertAnswers(one, 1, first + i);
        assertAnswers(two, 2, first - i);
      } catch (Exception e) {
        throw new AssertionError("round " + i, e);
      }
    }
  }

  private static void await(Future<?> end) throws InterruptedException {
    try {
      end.get();
    } catch (ExecutionException e) {
      throw new AssertionError("instance failed beside another", e.getCause());
    }
  }

  @Test
  void opensAgainAfterClosing() throws Exception {
    for (int i = 0; i < 3; i++) {
      onInstance(
          numbers(),
          instance -> {
            try (var reply = new RecordingReply()) {
              runner.run(instance, request(reply, rows(1, 2)));
              assertAnswers(reply, 1, 2);
            }
          });
    }
  }

  @Test
  void isFoundByItsName() {
    assertThat(ServiceLoader.load(BackendProvider.class))
        .extracting(BackendProvider::name)
        .contains(provider().name());
  }
}
