package dev.nereid.backend.image;

/** What a model of this back end does. */
enum Step {
  PREPROCESS,
  YOLO_POSTPROCESS,
  CLASSIFY_POSTPROCESS,
  L2_NORMALIZE;

  static Step of(Parameters parameters) {
    return parameters.choice("step", Step.values(), null);
  }
}
