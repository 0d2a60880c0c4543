package dev.nereid.gateway;

import dev.nereid.core.InferResponse;
import java.nio.ByteBuffer;
import java.nio.FloatBuffer;

/** What a model says of one picture, taken out of its answer so that another can be compared. */
sealed interface Findings {
  /**
   * Objects.
   *
   * @param boxes four edges each, in pixels
   */
  @SuppressWarnings("ArrayRecordComponent") // never compared as such
  record Boxes(float[] boxes, float[] scores, int[] classes) implements Findings {
    int count() {
      return scores.length;
    }
  }

  /** Classes, the best first. */
  @SuppressWarnings("ArrayRecordComponent")
  record Labels(float[] scores, int[] classes) implements Findings {}

  /** An embedding. */
  @SuppressWarnings("ArrayRecordComponent")
  record Vector(float[] values) implements Findings {}

  /** What the answer of such a model says. */
  static Findings of(ImageModel.Task task, InferResponse response) {
    return switch (task) {
      case DETECT -> {
        int count = response.output("num_dets").bytes().getInt();
        yield new Boxes(
            floats(response, "det_boxes", 4 * count),
            floats(response, "det_scores", count),
            ints(response, "det_classes", count));
      }
      case CLASSIFY -> {
        int count = response.output("classes").length() / Integer.BYTES;
        yield new Labels(floats(response, "top_scores", count), ints(response, "classes", count));
      }
      case EMBED -> {
        int count = response.output("embedding").length() / Float.BYTES;
        yield new Vector(floats(response, "embedding", count));
      }
    };
  }

  private static float[] floats(InferResponse response, String output, int count) {
    float[] values = new float[count];
    FloatBuffer from = response.output(output).bytes().asFloatBuffer();
    from.get(values);
    return values;
  }

  private static int[] ints(InferResponse response, String output, int count) {
    int[] values = new int[count];
    ByteBuffer from = response.output(output).bytes();
    from.asIntBuffer().get(values);
    return values;
  }
}
