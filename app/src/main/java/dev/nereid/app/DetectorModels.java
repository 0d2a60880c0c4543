package dev.nereid.app;

import dev.nereid.config.proto.DataType;
import dev.nereid.config.proto.ModelConfig;
import dev.nereid.config.proto.ModelDynamicBatching;
import dev.nereid.config.proto.ModelEnsembling;
import dev.nereid.config.proto.ModelInput;
import dev.nereid.config.proto.ModelOutput;
import dev.nereid.config.proto.ModelParameter;
import dev.nereid.config.proto.ModelTensorReshape;
import java.util.List;

/**
 * The four models that make a detector: the network, the steps around it, and the ensemble that
 * takes encoded pictures and answers as {@code detect} does.
 */
final class DetectorModels {
  static final String LABELS = "labels.txt";
  private static final int MAX_BATCH = 8;
  private static final long MAX_DETECTIONS = 300;
  private static final long LETTERBOX_FLOATS = 8;

  private final String name;
  private final DetectorExport export;
  private final int maxBatch;

  DetectorModels(String name, DetectorExport export) {
    this.name = name;
    this.export = export;
    maxBatch = export.batchable() ? MAX_BATCH : 0;
  }

  /** All of them, the network first and the ensemble last. */
  List<ModelConfig> all() {
    return List.of(network(), preprocess(), postprocess(), ensemble());
  }

  private ModelConfig network() {
    ModelInput.Builder input =
        ModelInput.newBuilder()
            .setName(export.input())
            .setDataType(type())
            .addAllDims(List.of(3L, (long) export.height(), (long) export.width()));
    ModelOutput.Builder output =
        ModelOutput.newBuilder()
            .setName(export.output())
            .setDataType(type())
            .addAllDims(List.of((long) export.rows(), (long) export.cells()));
    if (!export.batchable()) {
      input.setReshape(withOne(input.getDimsList()));
      output.setReshape(withOne(output.getDimsList()));
    }
    return batched(network(name), "onnxruntime").addInput(input).addOutput(output).build();
  }

  /** The name of the network beside its ensemble. */
  static String network(String name) {
    return name + "_network";
  }

  private ModelConfig preprocess() {
    return batched(name + "_preprocess", "image")
        .addInput(picture())
        .addOutput(
            ModelOutput.newBuilder()
                .setName("images")
                .setDataType(type())
                .addAllDims(List.of(3L, (long) export.height(), (long) export.width())))
        .addOutput(output("letterbox", DataType.TYPE_FP32, LETTERBOX_FLOATS))
        .putParameters("step", parameter("preprocess"))
        .putParameters("resize", parameter("letterbox"))
        .putParameters("scaleup", parameter("true"))
        .build();
  }

  private ModelConfig postprocess() {
    return batched(name + "_postprocess", "image")
        .addInput(
            ModelInput.newBuilder()
                .setName("output0")
                .setDataType(type())
                .addAllDims(List.of((long) export.rows(), (long) export.cells())))
        .addInput(
            ModelInput.newBuilder()
                .setName("letterbox")
                .setDataType(DataType.TYPE_FP32)
                .addDims(LETTERBOX_FLOATS))
        .addAllOutput(detections())
        .putParameters("step", parameter("yolo_postprocess"))
        .putParameters("score_threshold", parameter("0.25"))
        .putParameters("iou_threshold", parameter("0.7"))
        .build();
  }

  private ModelConfig ensemble() {
    ModelEnsembling.Builder steps =
        ModelEnsembling.newBuilder()
            .addStep(
                step(name + "_preprocess")
                    .putInputMap("image", "image")
                    .putOutputMap("images", "images")
                    .putOutputMap("letterbox", "letterbox"))
            .addStep(
                step(network(name))
                    .putInputMap(export.input(), "images")
                    .putOutputMap(export.output(), "output0"));
    var last =
        step(name + "_postprocess")
            .putInputMap("output0", "output0")
            .putInputMap("letterbox", "letterbox");
    detections().forEach(output -> last.putOutputMap(output.getName(), output.getName()));
    return ModelConfig.newBuilder()
        .setName(name)
        .setPlatform("ensemble")
        .setMaxBatchSize(maxBatch)
        .addInput(picture())
        .addAllOutput(detections())
        .setEnsembleScheduling(steps.addStep(last))
        .build();
  }

  private static List<ModelOutput> detections() {
    return List.of(
        output("num_dets", DataType.TYPE_INT32, 1),
        output("det_boxes", DataType.TYPE_FP32, MAX_DETECTIONS, 4),
        output("det_scores", DataType.TYPE_FP32, MAX_DETECTIONS),
        output("det_classes", DataType.TYPE_INT32, MAX_DETECTIONS).toBuilder()
            .setLabelFilename(LABELS)
            .build());
  }

  private static ModelInput picture() {
    return ModelInput.newBuilder()
        .setName("image")
        .setDataType(DataType.TYPE_STRING)
        .addDims(1)
        .build();
  }

  private static ModelOutput output(String output, DataType type, long... dims) {
    ModelOutput.Builder built = ModelOutput.newBuilder().setName(output).setDataType(type);
    for (long dim : dims) {
      built.addDims(dim);
    }
    return built.build();
  }

  private static ModelEnsembling.Step.Builder step(String model) {
    return ModelEnsembling.Step.newBuilder().setModelName(model).setModelVersion(-1);
  }

  private ModelConfig.Builder batched(String model, String backend) {
    ModelConfig.Builder config =
        ModelConfig.newBuilder().setName(model).setBackend(backend).setMaxBatchSize(maxBatch);
    if (maxBatch > 0) {
      config.setDynamicBatching(ModelDynamicBatching.getDefaultInstance());
    }
    return config;
  }

  private static ModelTensorReshape withOne(List<Long> dims) {
    return ModelTensorReshape.newBuilder().addShape(1).addAllShape(dims).build();
  }

  private static ModelParameter parameter(String value) {
    return ModelParameter.newBuilder().setStringValue(value).build();
  }

  private DataType type() {
    return DataType.valueOf(export.type().configName());
  }
}
