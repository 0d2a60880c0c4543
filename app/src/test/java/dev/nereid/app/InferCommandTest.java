package dev.nereid.app;

import static org.assertj.core.api.Assertions.assertThat;

import java.awt.image.BufferedImage;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.regex.Pattern;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine;

/** {@code nereid infer} against the demo models. */
@Timeout(60)
final class InferCommandTest {
  private static final Path SAMPLES = RunningProgram.HOME.resolve("samples");
  private static final Pattern BOX =
      Pattern.compile("  (\\w+) +(0\\.\\d{3}) +(-?\\d+) +(-?\\d+) +(-?\\d+) +(-?\\d+)");

  /** A difference that storing a picture as JPEG once more does not make. */
  private static final int CHANGED = 50;

  private static RunningProgram program;

  @TempDir Path folder;
  private final StringWriter out = new StringWriter();
  private final StringWriter err = new StringWriter();

  /** A line of the table, in pixels. */
  private record Found(String label, double confidence, int x1, int y1, int x2, int y2) {}

  @BeforeAll
  static void start() throws Exception {
    program = RunningProgram.ofDemoModels();
  }

  @AfterAll
  static void stop() {
    program.close();
  }

  private int infer(Object... words) {
    return inferAt(program.server.gatewayPort(), words);
  }

  private int inferAt(int port, Object... words) {
    CommandLine line = Nereid.commandLine(new Installation(RunningProgram.HOME, null, "0"));
    line.setOut(new PrintWriter(out, true)).setErr(new PrintWriter(err, true));
    List<String> all = new ArrayList<>(List.of("infer", "--url=http://127.0.0.1:" + port));
    for (Object word : words) {
      all.add(word.toString());
    }
    return line.execute(all.toArray(String[]::new));
  }

  private List<Found> table() {
    return out.toString()
        .lines()
        .map(BOX::matcher)
        .filter(line -> line.matches())
        .map(
            line ->
                new Found(
                    line.group(1),
                    Double.parseDouble(line.group(2)),
                    Integer.parseInt(line.group(3)),
                    Integer.parseInt(line.group(4)),
                    Integer.parseInt(line.group(5)),
                    Integer.parseInt(line.group(6))))
        .toList();
  }

  private static BufferedImage read(Path file) throws IOException {
    return Objects.requireNonNull(ImageIO.read(file.toFile()), file.toString());
  }

  private static boolean differs(BufferedImage one, BufferedImage other, int x, int y) {
    int a = one.getRGB(x, y);
    int b = other.getRGB(x, y);
    for (int shift = 0; shift <= 16; shift += 8) {
      if (Math.abs((a >> shift & 0xff) - (b >> shift & 0xff)) > CHANGED) {
        return true;
      }
    }
    return false;
  }

  @Test
  void boxesArePrintedAndDrawnWhereTheyWereFound() throws Exception {
    Path picture = SAMPLES.resolve("scene.jpg");
    Path drawn = folder.resolve("not/yet/there");
    assertThat(infer("--image", picture, "--out", drawn)).as(err.toString()).isZero();
    assertThat(out.toString())
        .startsWith(picture + "  640x480  ")
        .containsPattern("label +confidence +x1 +y1 +x2 +y2")
        .contains("  drawn in " + drawn.resolve("scene_detect.jpg"));
    List<Found> table = table();
    assertThat(table).extracting(Found::label).contains("circle", "crescent", "hexagon");
    BufferedImage before = read(picture);
    BufferedImage after = read(drawn.resolve("scene_detect.jpg"));
    assertThat(after.getWidth()).isEqualTo(640);
    assertThat(after.getHeight()).isEqualTo(480);
    for (Found box : table) {
      int x = Math.clamp(box.x1, 0, 639);
      int changed = 0;
      for (int y = Math.max(0, box.y1); y < Math.min(480, box.y2); y++) {
        changed += differs(before, after, x, y) ? 1 : 0;
      }
      assertThat(changed).as("of the left edge of %s", box).isGreaterThan((box.y2 - box.y1) / 3);
    }
    assertThat(differs(before, after, 5, 470)).as("a corner where nothing is").isFalse();
  }

  @Test
  void aTurnedPictureIsDrawnUpright() throws Exception {
    assertThat(infer("--image", SAMPLES.resolve("rotated_90.jpg"), "--out", folder)).isZero();
    BufferedImage drawn = read(folder.resolve("rotated_90_detect.jpg"));
    String size = drawn.getWidth() + "x" + drawn.getHeight();
    assertThat(out.toString()).contains("rotated_90.jpg  " + size + "  ");
    assertThat(table())
        .isNotEmpty()
        .allMatch(box -> box.x2 <= drawn.getWidth() && box.y2 <= drawn.getHeight());
  }

  @Test
  void whereNothingIsFoundItIsToldWhatTheModelKnows() throws Exception {
    Path plain = folder.resolve("plain.png");
    ImageIO.write(new BufferedImage(320, 240, BufferedImage.TYPE_INT_RGB), "png", plain.toFile());
    assertThat(infer("--image", plain)).isZero();
    assertThat(out.toString()).contains("  nothing found; detect knows ", "circle", "hexagon");
  }

  @Test
  void classesAndEmbeddingsArePrintedInTheirWay() {
    Path picture = SAMPLES.resolve("scene.jpg");
    assertThat(infer("--model=classify", "--image", picture)).isZero();
    assertThat(out.toString()).containsPattern("(?m)^  \\w+ +[01]\\.\\d{3}$");
    assertThat(infer("--model=embed", "--image", picture)).isZero();
    assertThat(out.toString()).containsPattern("  \\d+ numbers:( -?\\d\\.\\d{4}){6} \\.\\.\\.");
  }

  @Test
  void ofSeveralPicturesABadOneIsToldAndTheOthersAreShown() throws Exception {
    Path bad = Files.writeString(folder.resolve("words.jpg"), "no picture");
    Path good = SAMPLES.resolve("scene.jpg");
    Path same = SAMPLES.resolve("scene.webp");
    assertThat(infer("--image", good, bad, same, "--out", folder)).isEqualTo(1);
    assertThat(out.toString()).contains(good + "  640x480", same + "  640x480");
    assertThat(err.toString())
        .hasLineCount(1)
        .containsPattern("words\\.jpg: the server answered 4\\d\\d: ");
    assertThat(read(folder.resolve("scene_detect.jpg")).getWidth()).isEqualTo(640);
    assertThat(read(folder.resolve("scene_detect_2.jpg")).getWidth()).isEqualTo(640);
  }

  @Test
  void mishapsAreSaidInOneLine() throws Exception {
    Path bad = Files.writeString(folder.resolve("words.jpg"), "no picture");
    Path good = SAMPLES.resolve("scene.jpg");
    assertSaid(infer("--image", bad), "nereid infer: the server answered 4");
    assertSaid(infer("--image", folder.resolve("gone.jpg")), "gone.jpg: no such file");
    assertSaid(infer("--image", good, "--model=nobody"), "the server answered 404: ");
    assertSaid(infer("--image", good, "--out", bad), "--out: " + bad + " (expected: a directory");
    assertSaid(
        inferAt(freePort(), "--image", good), "no image gateway answers at http://127.0.0.1");
    assertSaid(inferAt(program.server.grpcPort(), "--image", good), "(expected: an image gateway)");
  }

  private static int freePort() throws IOException {
    try (ServerSocket free = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      return free.getLocalPort();
    }
  }

  private void assertSaid(int status, String line) {
    assertThat(status).isEqualTo(1);
    assertThat(err.toString()).hasLineCount(1).contains(line);
    err.getBuffer().setLength(0);
  }
}
