package dev.nereid.backend.image;

import dev.nereid.backend.Batch;
import dev.nereid.config.ModelSpec;
import dev.nereid.config.TensorSpec;
import dev.nereid.config.proto.ModelConfig;
import dev.nereid.config.proto.ModelInput;
import dev.nereid.config.proto.ModelOutput;
import dev.nereid.core.DataType;
import dev.nereid.core.Shape;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * A classifier's raw output in; {@code scores} of all classes in their order, and the best of them
 * as {@code top_scores} and {@code classes}, best first, out. Equal scores keep the order of the
 * classes.
 */
final class ClassifyModel extends RowModel {
  private static final String SCORES = "scores";
  private static final String TOP_SCORES = "top_scores";
  private static final String CLASSES = "classes";
  private static final long USUAL_TOP = 5;

  /** What turns raw values into scores. */
  private enum Activation {
    SOFTMAX,
    SIGMOID,
    NONE
  }

  private final String logits;
  private final int classes;
  private final Activation activation;

  private ClassifyModel(ModelSpec spec, String logits, int classes, Activation activation) {
    super(spec);
    this.logits = logits;
    this.classes = classes;
    this.activation = activation;
  }

  static ModelConfig complete(ModelConfig declared, Parameters parameters) {
    if (declared.getInputCount() != 1 || declared.getOutputCount() > 0) {
      return declared;
    }
    ModelInput input = declared.getInput(0);
    long count = input.getDimsList().stream().reduce(1L, (a, b) -> a * b);
    if (count < 1) {
      return declared;
    }
    long top = parameters.whole("top_k", Math.min(USUAL_TOP, count), 1, count);
    return declared.toBuilder()
        .addOutput(output(SCORES, DataType.FP32, count))
        .addOutput(output(TOP_SCORES, DataType.FP32, top))
        .addOutput(output(CLASSES, DataType.INT32, top))
        .build();
  }

  private static ModelOutput output(String name, DataType type, long dim) {
    return ModelOutput.newBuilder()
        .setName(name)
        .setDataType(TensorSpec.configType(type))
        .addDims(dim)
        .build();
  }

  static ClassifyModel open(ModelSpec spec, Parameters parameters) {
    TensorSpec input = spec.inputs().size() == 1 ? spec.inputs().getFirst() : null;
    if (input == null || input.type() != DataType.FP32 || !input.dims().isConcrete()) {
      throw parameters.refusal("inputs", "one, TYPE_FP32 with a fixed number of classes");
    }
    int classes = (int) input.dims().elementCount();
    long asked = parameters.whole("top_k", -1, 1, classes);
    Map<String, DataType> types =
        Map.of(SCORES, DataType.FP32, TOP_SCORES, DataType.FP32, CLASSES, DataType.INT32);
    for (TensorSpec output : spec.outputs()) {
      Shape dims = output.dims();
      long length = dims.rank() == 1 ? dims.dim(0) : 0;
      boolean fits =
          output.name().equals(SCORES)
              ? length == classes
              : length >= 1 && length <= classes && (asked < 0 || length == asked);
      if (output.type() != types.get(output.name()) || !fits) {
        throw parameters.refusal(
            "output '" + output.name() + "': " + output.type().configName() + " " + dims,
            "scores TYPE_FP32 [%d], top_scores TYPE_FP32 [k], classes TYPE_INT32 [k], k up to %d"
                .formatted(classes, classes));
      }
    }
    return new ClassifyModel(
        spec,
        input.name(),
        classes,
        parameters.choice("activation", Activation.values(), Activation.SOFTMAX));
  }

  @Override
  Work work() {
    return this::fill;
  }

  private void fill(Batch batch, int request, OutputBlock outputs) {
    int rows = batch.rows(request);
    FloatRows values = FloatRows.of(batch.required(request, logits), rows);
    if (values.floats() != classes) {
      throw FloatRows.wrong(values.tensor(), classes + " classes");
    }
    float[] scores = new float[classes];
    for (int row = 0; row < rows; row++) {
      values.row(row).order(ByteOrder.LITTLE_ENDIAN).asFloatBuffer().get(scores);
      activate(scores);
      write(scores, outputs.row(SCORES, row));
      writeTop(scores, outputs.row(TOP_SCORES, row), outputs.row(CLASSES, row));
    }
  }

  private void activate(float[] values) {
    switch (activation) {
      case SOFTMAX -> softmax(values);
      case SIGMOID -> {
        for (int i = 0; i < values.length; i++) {
          values[i] = (float) (1 / (1 + Math.exp(-values[i])));
        }
      }
      case NONE -> {}
    }
  }

  private static void softmax(float[] values) {
    float most = Float.NEGATIVE_INFINITY;
    for (float value : values) {
      most = Math.max(most, value);
    }
    double sum = 0;
    for (float value : values) {
      sum += Math.exp(value - most);
    }
    for (int i = 0; i < values.length; i++) {
      values[i] = (float) (Math.exp(values[i] - most) / sum);
    }
  }

  private static void write(float[] scores, @Nullable ByteBuffer target) {
    if (target != null) {
      target.asFloatBuffer().put(scores);
    }
  }

  private static void writeTop(
      float[] scores, @Nullable ByteBuffer topScores, @Nullable ByteBuffer classes) {
    int most =
        Math.max(
            topScores == null ? 0 : topScores.remaining() / Float.BYTES,
            classes == null ? 0 : classes.remaining() / Integer.BYTES);
    boolean[] taken = new boolean[scores.length];
    for (int n = 0; n < most; n++) {
      int best = best(scores, taken);
      taken[best] = true;
      if (topScores != null && topScores.hasRemaining()) {
        topScores.putFloat(scores[best]);
      }
      if (classes != null && classes.hasRemaining()) {
        classes.putInt(best);
      }
    }
  }

  /** The best class not taken; what is not a number comes last. */
  private static int best(float[] scores, boolean[] taken) {
    int best = -1;
    for (int i = 0; i < scores.length; i++) {
      if (!taken[i] && (best < 0 || scores[i] > scores[best] || Float.isNaN(scores[best]))) {
        best = i;
      }
    }
    return best;
  }
}
