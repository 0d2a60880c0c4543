package dev.nereid.jmh;

import dev.nereid.image.Candidates;
import dev.nereid.image.Letterbox;
import dev.nereid.image.Nms;
import dev.nereid.image.Preprocessor;
import dev.nereid.image.Recipe;
import dev.nereid.image.Workspace;
import dev.nereid.image.YoloHead;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;

/**
 * What one picture costs before and after the detector: a JPEG to [3,640,640] FP32, letterboxed,
 * and [4 + classes, 8400] to boxes. One thread; the budget for the first, at 640x480, is 1.6 ms.
 * Pictures come from {@code samples/} in the working directory, or where {@code -Dnereid.samples}
 * says.
 */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@Fork(
    value = 1,
    jvmArgs = {"-XX:+UseSerialGC", "--enable-native-access=ALL-UNNAMED"})
@Warmup(iterations = 3, time = 2)
@Measurement(iterations = 5, time = 2)
public class PreprocessBenchmark {
  private static final int CELLS = 8400;
  private static final int CROWD = 40;

  /** Pictures and the workspace they are decoded in. */
  @State(Scope.Thread)
  public static class Picture {
    /** The file below {@code samples/}. */
    @Param({"scene.jpg", "street_hd.jpg", "progressive.jpg"})
    public String file = "";

    private final Preprocessor preprocessor = new Preprocessor(Recipe.letterbox(640));
    private final ByteBuffer slot =
        ByteBuffer.allocateDirect(preprocessor.recipe().tensorBytes())
            .order(ByteOrder.LITTLE_ENDIAN);
    private final Workspace workspace = new Workspace();
    private ByteBuffer encoded = ByteBuffer.allocateDirect(0);

    @Setup
    public void read() throws IOException {
      Path folder = Path.of(System.getProperty("nereid.samples", "samples"));
      byte[] bytes = Files.readAllBytes(folder.resolve(file));
      encoded = ByteBuffer.allocateDirect(bytes.length).put(bytes).flip();
    }

    @TearDown
    public void close() {
      workspace.close();
    }
  }

  /** A detector's output with a few dozen cells above the threshold. */
  @State(Scope.Thread)
  public static class Detections {
    /** How many classes there are. */
    @Param({"10", "80"})
    public int classes = 10;

    private final Letterbox letterbox = new Letterbox(1, 1, 0, 80, 640, 480, 640, 640);
    private final Candidates candidates = new Candidates();
    private ByteBuffer output = ByteBuffer.allocateDirect(0);

    @Setup
    public void draw() {
      Random random = new Random(9);
      output =
          ByteBuffer.allocateDirect((4 + classes) * CELLS * Float.BYTES)
              .order(ByteOrder.LITTLE_ENDIAN);
      for (int i = 0; i < (4 + classes) * CELLS; i++) {
        output.putFloat(i * Float.BYTES, i < 4 * CELLS ? 20 + random.nextFloat(600) : 0.001f);
      }
      for (int i = 0; i < CROWD; i++) {
        int row = 4 + random.nextInt(classes);
        int cell = random.nextInt(CELLS);
        output.putFloat((row * CELLS + cell) * Float.BYTES, 0.3f + random.nextFloat(0.6f));
      }
    }
  }

  /** A file to a tensor. */
  @Benchmark
  public Letterbox preprocess(Picture picture) {
    return picture.preprocessor.apply(picture.encoded, picture.slot, picture.workspace);
  }

  /** A tensor to the boxes that are kept. */
  @Benchmark
  public int[] postprocess(Detections detections) {
    YoloHead.V8.read(
        detections.output,
        4 + detections.classes,
        CELLS,
        0.25f,
        detections.letterbox,
        detections.candidates);
    return Nms.DEFAULT.keep(detections.candidates);
  }
}
