package dev.nereid.backend.image;

import static dev.nereid.backend.TestTensors.floatsOf;
import static dev.nereid.backend.TestTensors.intsOf;
import static dev.nereid.backend.TestTensors.request;
import static dev.nereid.backend.image.Models.parameter;
import static org.assertj.core.api.Assertions.assertThat;

import dev.nereid.backend.Instance;
import dev.nereid.backend.Model;
import dev.nereid.backend.Placement;
import dev.nereid.backend.RecordingReply;
import dev.nereid.backend.TestRunner;
import dev.nereid.backend.TestTensors;
import dev.nereid.core.Fault;
import dev.nereid.core.InferRequest;
import dev.nereid.core.InferResponse;
import dev.nereid.core.MemoryPool;
import dev.nereid.core.Shape;
import dev.nereid.core.Tensor;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

final class PostprocessTest {
  private static final String YOLO =
      parameter("step", "yolo_postprocess")
          + """
          input { name: "output0" data_type: TYPE_FP32 dims: [6, 3] }
          input { name: "letterbox" data_type: TYPE_FP32 dims: [8] }
          output { name: "num_dets" data_type: TYPE_INT32 dims: [1] }
          output { name: "det_boxes" data_type: TYPE_FP32 dims: [4, 4] }
          output { name: "det_scores" data_type: TYPE_FP32 dims: [4] }
          output { name: "det_classes" data_type: TYPE_INT32 dims: [4] }
          """;

  /** A picture of 1280x960 in 640x640: half the size, 80 rows above. */
  private static final float[] LETTERBOX = {0.5f, 0.5f, 0, 80, 1280, 960, 640, 640};

  /** Three cells, two classes: two boxes on one thing, and one at the lower right edge. */
  private static final float[] CELLS = {
    100,
    102,
    630, // x
    200,
    200,
    550, // y
    40,
    40,
    40, // width
    60,
    60,
    60, // height
    0.9f,
    0.8f,
    0.1f, // class 0
    0.2f,
    0.1f,
    0.4f // class 1
  };

  private final ImageProvider provider = new ImageProvider();
  private final MemoryPool pool = new MemoryPool(MemoryPool.Limits.DEFAULT);
  private final TestTensors tensors = new TestTensors(pool);

  @AfterEach
  void nothingIsLeftOpen() {
    assertThat(pool.openLeases()).isZero();
    pool.close();
  }

  private void run(String config, InferRequest... requests) {
    try (Model model = Models.open(provider, config, pool);
        Instance instance = model.newInstance(new Placement("step_0", 0, -1))) {
      new TestRunner(pool, true).run(instance, requests);
    }
  }

  private InferRequest detection(RecordingReply reply, Map<String, Object> parameters, int rows) {
    InferRequest.Call call =
        new InferRequest.Call("step", -1, "", parameters, List.of(), 0, 0, 0, Long.MAX_VALUE);
    return request(
        call,
        reply,
        tensors.floats("output0", Shape.of(rows, 6, 3), repeat(CELLS, rows)),
        tensors.floats("letterbox", Shape.of(rows, 8), repeat(LETTERBOX, rows)));
  }

  private static float[] repeat(float[] values, int times) {
    float[] all = new float[values.length * times];
    for (int i = 0; i < times; i++) {
      System.arraycopy(values, 0, all, i * values.length, values.length);
    }
    return all;
  }

  @Test
  void boxesArePixelsOfTheOriginalWithinItsEdges() {
    try (var reply = new RecordingReply();
        var other = new RecordingReply()) {
      run(YOLO, detection(reply, Map.of(), 1), detection(other, Map.of(), 2));
      InferResponse response = reply.response();
      assertThat(intsOf(response.output("num_dets"))).containsExactly(2);
      assertThat(floatsOf(response.output("det_boxes")))
          .containsExactly(160, 180, 240, 300, 1220, 880, 1280, 960, 0, 0, 0, 0, 0, 0, 0, 0);
      assertThat(floatsOf(response.output("det_scores"))).containsExactly(0.9f, 0.4f, 0, 0);
      assertThat(intsOf(response.output("det_classes"))).containsExactly(0, 1, 0, 0);
      assertThat(other.response().output("det_boxes").shape()).isEqualTo(Shape.of(2, 4, 4));
      assertThat(intsOf(other.response().output("num_dets"))).containsExactly(2, 2);
    }
  }

  @Test
  void aRequestSetsItsOwnThresholds() {
    try (var sure = new RecordingReply();
        var loose = new RecordingReply();
        var wrong = new RecordingReply();
        var usual = new RecordingReply()) {
      run(
          YOLO,
          detection(sure, Map.of("confidence", 0.5), 1),
          detection(loose, Map.of("iou", "0.95", "confidence", 0L), 1),
          detection(wrong, Map.of("confidence", "high"), 1),
          detection(usual, Map.of(), 1));
      assertThat(intsOf(sure.response().output("num_dets"))).containsExactly(1);
      assertThat(intsOf(loose.response().output("num_dets"))).containsExactly(3);
      assertThat(intsOf(usual.response().output("num_dets"))).containsExactly(2);
      assertThat(wrong.failure().fault()).isEqualTo(Fault.INVALID_ARGUMENT);
      assertThat(wrong.failure().message())
          .isEqualTo("parameter 'confidence': high (expected: 0 to 1)");
    }
  }

  @Test
  void tensorsThatDoNotFitAreRefusedByName() {
    try (var thin = new RecordingReply();
        var blank = new RecordingReply()) {
      run(
          YOLO,
          request(
              thin,
              tensors.floats("output0", Shape.of(1, 4, 3), new float[12]),
              tensors.floats("letterbox", Shape.of(1, 8), LETTERBOX)),
          request(
              blank,
              tensors.floats("output0", Shape.of(1, 6, 3), CELLS),
              tensors.floats("letterbox", Shape.of(1, 8), new float[8])));
      assertThat(thin.failure().message()).contains("input 'output0': FP32 [1,4,3]");
      assertThat(blank.failure().message())
          .contains("input 'letterbox': FP32 [1,8]", "letterbox.scale_x: 0.0");
    }
  }

  @Test
  void theYoungerLayoutIsRead() {
    float[] cells = new float[18];
    for (int i = 0; i < 18; i++) {
      cells[i % 3 * 6 + i / 3] = CELLS[i];
    }
    try (var reply = new RecordingReply()) {
      run(
          YOLO.replace("[6, 3]", "[3, 6]") + parameter("layout", "cells_first"),
          request(
              reply,
              tensors.floats("output0", Shape.of(1, 3, 6), cells),
              tensors.floats("letterbox", Shape.of(1, 8), LETTERBOX)));
      assertThat(floatsOf(reply.response().output("det_scores"))).containsExactly(0.9f, 0.4f, 0, 0);
    }
  }

  @Test
  void logitsBecomeScoresAndTheBestClasses() {
    String config =
        parameter("step", "classify_postprocess")
            + parameter("top_k", "2")
            + "input { name: \"logits\" data_type: TYPE_FP32 dims: [3] }";
    try (var reply = new RecordingReply();
        var wrong = new RecordingReply()) {
      Tensor logits = tensors.floats("logits", Shape.of(2, 3), 0, 1000, 999, 2, 2, Float.NaN);
      Tensor four = tensors.floats("logits", Shape.of(1, 4), 1, 2, 3, 4);
      run(config, request(reply, logits), request(wrong, four));
      float[] scores = floatsOf(reply.response().output("scores"));
      assertThat(scores[0]).isZero();
      assertThat(scores[1]).isEqualTo(0.7310586f);
      assertThat(scores[1] + scores[2]).isEqualTo(1);
      assertThat(Arrays.copyOf(intsOf(reply.response().output("classes")), 2))
          .containsExactly(1, 2);
      assertThat(floatsOf(reply.response().output("top_scores"))[0]).isEqualTo(scores[1]);
      assertThat(wrong.failure().message())
          .isEqualTo("input 'logits': FP32 [1,4] (expected: 3 classes)");
    }
  }

  @Test
  void vectorsGetTheLengthOne() {
    String config =
        parameter("step", "l2_normalize")
            + "input { name: \"raw\" data_type: TYPE_FP32 dims: [2] }";
    try (var reply = new RecordingReply()) {
      run(config, request(reply, tensors.floats("raw", Shape.of(2, 2), 3, 4, 0, 0)));
      assertThat(floatsOf(reply.response().output("embedding"))).containsExactly(0.6f, 0.8f, 0, 0);
    }
  }
}
