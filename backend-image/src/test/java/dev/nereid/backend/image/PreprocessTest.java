package dev.nereid.backend.image;

import static dev.nereid.backend.TestTensors.floatsOf;
import static dev.nereid.backend.TestTensors.request;
import static dev.nereid.backend.image.Models.parameter;
import static dev.nereid.backend.image.Models.picture;
import static org.assertj.core.api.Assertions.assertThat;

import dev.nereid.backend.Batch;
import dev.nereid.backend.Instance;
import dev.nereid.backend.Model;
import dev.nereid.backend.Placement;
import dev.nereid.backend.RecordingReply;
import dev.nereid.backend.TestRunner;
import dev.nereid.backend.TestTensors;
import dev.nereid.core.DataType;
import dev.nereid.core.Fault;
import dev.nereid.core.InferRequest;
import dev.nereid.core.MemoryPool;
import dev.nereid.core.Shape;
import dev.nereid.core.Tensor;
import dev.nereid.image.Letterbox;
import dev.nereid.image.Preprocessor;
import dev.nereid.image.Recipe;
import dev.nereid.image.Workspace;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

final class PreprocessTest {
  private static final String STEP = parameter("step", "preprocess");
  private static final String SMALL =
      STEP
          + """
          input { name: "image" data_type: TYPE_STRING dims: [1] }
          output { name: "images" data_type: TYPE_FP32 dims: [3, 64, 64] }
          output { name: "letterbox" data_type: TYPE_FP32 dims: [8] }
          """;

  private final ImageProvider provider = new ImageProvider();
  private final MemoryPool pool = new MemoryPool(MemoryPool.Limits.DEFAULT);
  private final TestTensors tensors = new TestTensors(pool);

  @AfterEach
  void nothingIsLeftOpen() throws InterruptedException {
    long deadline = System.nanoTime() + Duration.ofSeconds(20).toNanos();
    while (pool.openLeases() != 0 && System.nanoTime() < deadline) {
      Thread.onSpinWait();
    }
    assertThat(pool.openLeases()).isZero();
    pool.close();
  }

  private Batch run(String config, InferRequest... requests) {
    return run(config, true, requests);
  }

  private Batch run(String config, boolean batching, InferRequest... requests) {
    try (Model model = Models.open(provider, config, pool);
        Instance instance = model.newInstance(new Placement("step_0", 0, -1))) {
      return new TestRunner(pool, batching).run(instance, requests);
    }
  }

  private Tensor images(byte[]... pictures) {
    return tensors.blobs("image", Shape.of(pictures.length, 1), pictures);
  }

  private static float[] expected(byte[] picture, Recipe recipe) {
    ByteBuffer encoded = ByteBuffer.allocateDirect(picture.length).put(picture).flip();
    ByteBuffer slot =
        ByteBuffer.allocateDirect(recipe.tensorBytes()).order(ByteOrder.LITTLE_ENDIAN);
    try (Workspace workspace = new Workspace()) {
      new Preprocessor(recipe).apply(encoded, slot, workspace);
    }
    float[] floats = new float[recipe.tensorBytes() / Float.BYTES];
    slot.asFloatBuffer().get(floats);
    return floats;
  }

  @Test
  void aBatchOfPicturesOfDifferentSizesLiesSideBySide() {
    byte[] wide = picture(120, 60, "jpg");
    byte[] tall = picture(31, 77, "png");
    byte[] tiny = picture(1, 1, "bmp");
    try (var first = new RecordingReply();
        var second = new RecordingReply()) {
      Batch batch = run(SMALL, request(first, images(wide)), request(second, images(tall, tiny)));
      Tensor one = first.response().output("images");
      Tensor two = second.response().output("images");
      assertThat(one.shape()).isEqualTo(Shape.of(1, 3, 64, 64));
      assertThat(two.shape()).isEqualTo(Shape.of(2, 3, 64, 64));
      assertThat(one.isFollowedBy(two)).isTrue();
      assertThat(
              first
                  .response()
                  .output("letterbox")
                  .isFollowedBy(second.response().output("letterbox")))
          .isTrue();
      assertThat(floatsOf(one)).isEqualTo(expected(wide, Recipe.letterbox(64)));
      assertThat(Arrays.copyOf(floatsOf(two), 3 * 64 * 64))
          .isEqualTo(expected(tall, Recipe.letterbox(64)));
      Letterbox geometry = Letterbox.readFrom(first.response().output("letterbox").bytes());
      assertThat(geometry.originalWidth()).isEqualTo(120);
      assertThat(geometry.padY()).isEqualTo(16);
      assertThat(batch.computeEndedNanos()).isGreaterThan(batch.computeStartedNanos());
    }
  }

  @Test
  void theNextStepGathersWithoutACopy() {
    List<RecordingReply> replies =
        IntStream.range(0, 8).mapToObj(_ -> new RecordingReply()).toList();
    run(
        SMALL,
        replies.stream()
            .map(reply -> request(reply, images(picture(100, 50, "jpg"))))
            .toArray(InferRequest[]::new));
    List<InferRequest> next =
        replies.stream()
            .map(reply -> reply.response().output("images"))
            .map(tensor -> request(new RecordingReply(), tensor.in(tensor.lease().share())))
            .toList();
    Batch batch = new Batch(next, true, pool, System::nanoTime);
    assertThat(batch.gather("images").shape()).isEqualTo(Shape.of(8, 3, 64, 64));
    assertThat(batch.gathersSkipped()).isEqualTo(1);
    assertThat(batch.gathersCopied()).isZero();
    next.forEach(request -> request.fail(Fault.CANCELLED.with("enough seen")));
    replies.forEach(RecordingReply::close);
  }

  @Test
  void aDamagedPictureFailsItsOwnRequestAlone() {
    byte[] good = picture(120, 60, "jpg");
    byte[] damaged = Arrays.copyOf(good, good.length / 2);
    try (var first = new RecordingReply();
        var second = new RecordingReply();
        var third = new RecordingReply();
        var fourth = new RecordingReply()) {
      run(
          SMALL,
          request(first, images(good)),
          request(second, images(damaged)),
          request(third, images(good, "text".getBytes(java.nio.charset.StandardCharsets.US_ASCII))),
          request(fourth, images(good)));
      assertThat(second.failure().fault()).isEqualTo(Fault.UNPROCESSABLE);
      assertThat(third.failure().fault()).isEqualTo(Fault.UNSUPPORTED_MEDIA);
      assertThat(third.failure().message()).startsWith("picture 2 of 2: image: of no known kind");
      assertThat(floatsOf(first.response().output("images")))
          .isEqualTo(expected(good, Recipe.letterbox(64)))
          .isEqualTo(floatsOf(fourth.response().output("images")));
    }
  }

  @Test
  void plainBytesOfRaggedLengthAreTaken() {
    String config =
        STEP
            + parameter("resize", "center_crop")
            + """
            input { name: "image" data_type: TYPE_UINT8 dims: [-1] allow_ragged_batch: true }
            output { name: "images" data_type: TYPE_FP32 dims: [3, 32, 32] }
            """;
    byte[] one = picture(120, 60, "jpg");
    byte[] two = picture(64, 64, "gif");
    try (var first = new RecordingReply();
        var second = new RecordingReply()) {
      run(
          config,
          request(first, tensors.raw("image", DataType.UINT8, Shape.of(1, one.length), one)),
          request(second, tensors.raw("image", DataType.UINT8, Shape.of(1, two.length), two)));
      assertThat(floatsOf(first.response().output("images")))
          .isEqualTo(expected(one, Recipe.centerCrop(32)));
      assertThat(floatsOf(second.response().output("images")))
          .isEqualTo(expected(two, Recipe.centerCrop(32)));
    }
  }

  @Test
  void aModelWithoutBatchesTakesOnePicture() {
    byte[] picture = picture(20, 10, "png");
    try (var reply = new RecordingReply()) {
      Tensor input = tensors.blobs("image", Shape.of(1), picture);
      run(SMALL + "max_batch_size: 0", false, request(reply, input));
      assertThat(reply.response().output("images").shape()).isEqualTo(Shape.of(3, 64, 64));
      assertThat(reply.response().output("letterbox").shape()).isEqualTo(Shape.of(8));
    }
  }

  @Test
  void aTensorThatIsNoPictureIsRefused() {
    try (var few = new RecordingReply();
        var cut = new RecordingReply();
        var none = new RecordingReply()) {
      Tensor twoForOne =
          tensors.blobs("image", Shape.of(1, 1), picture(2, 2, "png"), picture(2, 2, "png"));
      Tensor lying =
          tensors.raw("image", DataType.BYTES, Shape.of(1, 1), new byte[] {99, 0, 0, 0, 1});
      Tensor stray = tensors.floats("stray", Shape.of(1, 1), 1);
      run(SMALL, request(few, twoForOne), request(cut, lying), request(none, stray));
      assertThat(few.failure().message()).contains("input 'image': BYTES [1,1]", "1 pictures");
      assertThat(cut.failure().message()).contains("elements that end within it");
      assertThat(none.failure().message()).contains("input 'image': missing");
    }
  }

  @Test
  void aWithdrawnPictureIsNotDecoded() {
    try (var reply = new RecordingReply()) {
      InferRequest request = request(reply, images(picture(8, 8, "png")));
      request.cancel();
      run(SMALL, request);
      assertThat(reply.failure().fault()).isEqualTo(Fault.CANCELLED);
    }
  }

  @Test
  void aPictureThatTakesTooLongFreesItsCaller() {
    byte[] big = picture(7000, 7000, "png");
    try (var slow = new RecordingReply()) {
      run(SMALL + parameter("decode_timeout_ms", "1"), request(slow, images(big)));
      assertThat(slow.failure().fault()).isIn(Fault.TOO_LARGE, Fault.OVERLOADED);
      assertThat(slow.failure().message()).startsWith("image: not decoded within 1 ms");
    }
  }

  @Test
  void limitsOfTheConfigurationHold() {
    try (var reply = new RecordingReply()) {
      run(SMALL + parameter("max_pixels", "5000"), request(reply, images(picture(100, 51, "jpg"))));
      assertThat(reply.failure().fault()).isEqualTo(Fault.TOO_LARGE);
      assertThat(reply.failure().message())
          .isEqualTo("image: 100x51 (expected: at most 5000 pixels)");
    }
  }
}
