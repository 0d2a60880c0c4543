package dev.nereid.backend.image;

import dev.nereid.backend.Batch;
import dev.nereid.config.ModelSpec;
import dev.nereid.config.TensorSpec;
import dev.nereid.config.proto.ModelConfig;
import dev.nereid.config.proto.ModelInput;
import dev.nereid.config.proto.ModelOutput;
import dev.nereid.core.DataType;
import dev.nereid.core.Shape;
import dev.nereid.core.Tensor;
import dev.nereid.image.Candidates;
import dev.nereid.image.Letterbox;
import dev.nereid.image.Nms;
import dev.nereid.image.YoloHead;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.Map;

/**
 * A detector's raw output and the letterbox in; boxes in pixels of the original picture out, best
 * first, the rest zero.
 */
final class YoloModel extends RowModel {
  private static final String COUNT = "num_dets";
  private static final String BOXES = "det_boxes";
  private static final String SCORES = "det_scores";
  private static final String CLASSES = "det_classes";
  private static final float USUAL_SCORE = 0.25f;
  private static final int USUAL_DETECTIONS = 300;

  private final String output;
  private final YoloHead head;
  private final Nms nms;
  private final float scoreThreshold;

  private YoloModel(ModelSpec spec, String output, YoloHead head, Nms nms, float scoreThreshold) {
    super(spec);
    this.output = output;
    this.head = head;
    this.nms = nms;
    this.scoreThreshold = scoreThreshold;
  }

  static ModelConfig complete(ModelConfig declared, Parameters parameters) {
    ModelConfig.Builder config = declared.toBuilder();
    if (declared.getInputCount() == 0) {
      config.addInput(
          ModelInput.newBuilder()
              .setName("output0")
              .setDataType(TensorSpec.configType(DataType.FP32))
              .addAllDims(List.of(-1L, -1L)));
      config.addInput(
          ModelInput.newBuilder()
              .setName(PreprocessTensors.LETTERBOX)
              .setDataType(TensorSpec.configType(DataType.FP32))
              .addDims(Letterbox.FLOATS));
    }
    if (declared.getOutputCount() == 0) {
      long most = parameters.whole("max_detections", USUAL_DETECTIONS, 1);
      config.addOutput(output(COUNT, DataType.INT32, 1));
      config.addOutput(output(BOXES, DataType.FP32, most, 4));
      config.addOutput(output(SCORES, DataType.FP32, most));
      config.addOutput(output(CLASSES, DataType.INT32, most));
    }
    return config.build();
  }

  private static ModelOutput output(String name, DataType type, long... dims) {
    ModelOutput.Builder output =
        ModelOutput.newBuilder().setName(name).setDataType(TensorSpec.configType(type));
    for (long dim : dims) {
      output.addDims(dim);
    }
    return output.build();
  }

  static YoloModel open(ModelSpec spec, Parameters parameters) {
    if (spec.inputs().size() != 2 || spec.input(PreprocessTensors.LETTERBOX) == null) {
      throw parameters.refusal(
          spec.inputs().size() + " inputs", "the detector's output, and letterbox");
    }
    boolean letterboxFirst = spec.inputs().getFirst().name().equals(PreprocessTensors.LETTERBOX);
    int most = mostDetections(spec, parameters);
    YoloHead head =
        new YoloHead(
            parameters.choice("layout", YoloHead.Layout.values(), YoloHead.Layout.ROWS_FIRST),
            parameters.flag("objectness", false),
            parameters.choice("box_unit", YoloHead.Unit.values(), YoloHead.Unit.PIXELS));
    Nms nms =
        new Nms(
            parameters.share("iou_threshold", Nms.DEFAULT.iouThreshold()),
            (int) parameters.whole("max_detections", most, 1, most),
            Math.max(most, Nms.DEFAULT.maxCandidates()),
            parameters.flag("class_agnostic", false));
    return new YoloModel(
        spec,
        spec.inputs().get(letterboxFirst ? 1 : 0).name(),
        head,
        nms,
        parameters.share("score_threshold", USUAL_SCORE));
  }

  /** The room that all outputs have; they must agree, and be of the types that clients know. */
  private static int mostDetections(ModelSpec spec, Parameters parameters) {
    Map<String, DataType> types =
        Map.of(
            COUNT, DataType.INT32,
            BOXES, DataType.FP32,
            SCORES, DataType.FP32,
            CLASSES, DataType.INT32);
    long most = -1;
    for (TensorSpec output : spec.outputs()) {
      Shape dims = output.dims();
      boolean counts = output.name().equals(COUNT);
      long room = dims.rank() > 0 ? dims.dim(0) : 0;
      boolean fits =
          switch (output.name()) {
            case COUNT -> dims.equals(Shape.of(1));
            case BOXES -> dims.equals(Shape.of(room, 4)) && room > 0;
            default -> dims.rank() == 1 && room > 0;
          };
      if (output.type() != types.get(output.name())
          || !fits
          || !(counts || most < 0 || room == most)) {
        throw parameters.refusal(
            "output '" + output.name() + "': " + output.type().configName() + " " + dims,
            "num_dets TYPE_INT32 [1], det_boxes TYPE_FP32 [K,4], det_scores TYPE_FP32 [K],"
                + " det_classes TYPE_INT32 [K], with one K for all");
      }
      most = counts ? most : room;
    }
    return most > 0 ? (int) most : USUAL_DETECTIONS;
  }

  @Override
  Work work() {
    Candidates candidates = new Candidates();
    return (batch, request, outputs) -> fill(batch, request, outputs, candidates);
  }

  private void fill(Batch batch, int request, OutputBlock outputs, Candidates candidates) {
    int rows = batch.rows(request);
    Tensor tensor = batch.required(request, output);
    FloatRows values = FloatRows.of(tensor, rows);
    FloatRows letterboxes =
        FloatRows.of(batch.required(request, PreprocessTensors.LETTERBOX), rows);
    Map<String, Object> asked = batch.requests().get(request).call().parameters();
    float score = CallParameters.share(asked, "confidence", scoreThreshold);
    Nms suppression =
        new Nms(
            CallParameters.share(asked, "iou", nms.iouThreshold()),
            nms.maxDetections(),
            nms.maxCandidates(),
            nms.classAgnostic());
    int last = values.lastDim();
    int cells = head.layout() == YoloHead.Layout.ROWS_FIRST ? last : values.floats() / last;
    int channels = values.floats() / Math.max(1, cells);
    if (channels <= head.rowsBeforeClasses() || letterboxes.floats() != Letterbox.FLOATS) {
      throw FloatRows.wrong(
          letterboxes.floats() == Letterbox.FLOATS ? tensor : letterboxes.tensor(),
          letterboxes.floats() == Letterbox.FLOATS
              ? "more than " + head.rowsBeforeClasses() + " values for each cell"
              : Letterbox.FLOATS + " values");
    }
    for (int row = 0; row < rows; row++) {
      Letterbox letterbox = letterbox(letterboxes, row);
      head.read(values.row(row), channels, cells, score, letterbox, candidates);
      write(outputs, row, letterbox, candidates, suppression.keep(candidates));
    }
  }

  private static Letterbox letterbox(FloatRows letterboxes, int row) {
    try {
      return Letterbox.readFrom(letterboxes.row(row));
    } catch (IllegalArgumentException e) {
      throw FloatRows.wrong(letterboxes.tensor(), "a letterbox; " + e.getMessage());
    }
  }

  private static void write(
      OutputBlock outputs, int row, Letterbox letterbox, Candidates candidates, int[] kept) {
    ByteBuffer count = outputs.row(COUNT, row);
    ByteBuffer boxes = outputs.row(BOXES, row);
    ByteBuffer scores = outputs.row(SCORES, row);
    ByteBuffer classes = outputs.row(CLASSES, row);
    if (count != null) {
      count.putInt(kept.length);
    }
    for (int candidate : kept) {
      if (boxes != null) {
        boxes.putFloat(letterbox.originalX(candidates.x1(candidate)));
        boxes.putFloat(letterbox.originalY(candidates.y1(candidate)));
        boxes.putFloat(letterbox.originalX(candidates.x2(candidate)));
        boxes.putFloat(letterbox.originalY(candidates.y2(candidate)));
      }
      if (scores != null) {
        scores.putFloat(candidates.score(candidate));
      }
      if (classes != null) {
        classes.putInt(candidates.classIndex(candidate));
      }
    }
  }
}
