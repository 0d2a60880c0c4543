package dev.nereid.app;

import dev.nereid.backend.onnx.OnnxFile;
import dev.nereid.core.DataType;
import dev.nereid.core.Shape;
import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * A detector as Ultralytics exports it: pictures {@code [b,3,h,w]} in; {@code [b,4+classes,cells]}
 * out, four numbers of each box and a score for each class, without suppression.
 *
 * @param batchable whether the batch dimension is free; otherwise it is 1
 * @param cells -1 where the file does not say
 */
record DetectorExport(
    String input,
    String output,
    DataType type,
    boolean batchable,
    int height,
    int width,
    int cells,
    List<String> labels) {
  private static final int BOX = 4;
  private static final long USUAL_SIDE = 640;

  /**
   * The detector in a file, or empty when it is something else.
   *
   * @throws Mishap when it is one and cannot be served
   */
  static Optional<DetectorExport> in(OnnxFile file) {
    String task = file.metadata().getOrDefault("task", "detect");
    if (!task.equals("detect") || file.inputs().size() != 1 || file.outputs().size() != 1) {
      return Optional.empty();
    }
    OnnxFile.Value input = file.inputs().getFirst();
    OnnxFile.Value output = file.outputs().getFirst();
    Shape in = input.shape();
    Shape out = output.shape();
    DataType type = input.type();
    boolean picture = in != null && in.rank() == 4 && (in.dim(1) == 3 || in.dim(1) == -1);
    boolean head = out != null && out.rank() == 3 && output.type() == type;
    if (!picture || !head || type == null || in == null || out == null) {
      return Optional.empty();
    }
    List<String> labels = labels(file, out.dim(1));
    if (labels == null || (out.dim(1) != -1 && out.dim(1) != BOX + labels.size())) {
      return Optional.empty();
    }
    requireServableBatch(input, in.dim(0));
    return Optional.of(
        new DetectorExport(
            input.name(),
            output.name(),
            type,
            in.dim(0) == -1 && out.dim(0) == -1,
            (int) side(in.dim(2), file, 0),
            (int) side(in.dim(3), file, 1),
            (int) out.dim(2),
            labels));
  }

  /** Numbers to a cell. */
  int rows() {
    return BOX + labels.size();
  }

  private static void requireServableBatch(OnnxFile.Value input, long batch) {
    if (batch != -1 && batch != 1) {
      throw new Mishap(
          "%s: the batch is fixed to %d (expected: an export with batch=1 or dynamic=True)"
              .formatted(input, batch));
    }
  }

  /** The class names, made up where only their number is known; null when not even that is. */
  private static @Nullable List<String> labels(OnnxFile file, long rows) {
    String names = file.metadata().get("names");
    if (names != null) {
      try {
        return PythonLiteral.names(names);
      } catch (IllegalArgumentException e) {
        throw new Mishap("metadata 'names': " + e.getMessage());
      }
    }
    // More rows than cells would be another layout; 4 alone would be boxes without a class.
    boolean plausible = rows > BOX && rows < USUAL_SIDE && file.metadata().containsKey("task");
    return plausible
        ? IntStream.range(0, (int) rows - BOX).mapToObj(i -> "class_" + i).toList()
        : null;
  }

  private static long side(long dim, OnnxFile file, int index) {
    if (dim > 0) {
      return dim;
    }
    String size = file.metadata().get("imgsz");
    if (size == null) {
      return USUAL_SIDE;
    }
    try {
      List<Long> sides = PythonLiteral.numbers(size);
      return sides.isEmpty() ? USUAL_SIDE : sides.get(Math.min(index, sides.size() - 1));
    } catch (IllegalArgumentException e) {
      throw new Mishap("metadata 'imgsz': " + e.getMessage());
    }
  }
}
