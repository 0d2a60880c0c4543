package dev.nereid.client;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.nereid.client.PicturePreparation.Limits;
import dev.nereid.client.PicturePreparation.Outcome;
import java.awt.Color;
import java.awt.Graphics2D;
import java.awt.image.BufferedImage;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

@Timeout(60)
final class PicturePreparationTest {
  private static final PicturePreparation USUAL = PicturePreparation.DEFAULT;

  private static byte[] sample(String name) throws IOException {
    return Files.readAllBytes(Path.of("..", "samples", name));
  }

  private static Outcome.Ready ready(PicturePreparation preparation, byte[] picture) {
    Outcome outcome = preparation.prepare(picture);
    assertThat(outcome).isInstanceOf(Outcome.Ready.class);
    return (Outcome.Ready) outcome;
  }

  private static String unfit(PicturePreparation preparation, byte[] picture) {
    Outcome outcome = preparation.prepare(picture);
    assertThat(outcome).isInstanceOf(Outcome.Unfit.class);
    return ((Outcome.Unfit) outcome).reason();
  }

  /** Red, green, blue and white, clockwise from the upper left; 80x60. */
  private static BufferedImage quarters(int type) {
    BufferedImage image = new BufferedImage(80, 60, type);
    Graphics2D drawing = image.createGraphics();
    Color[] colours = {Color.RED, Color.GREEN, Color.WHITE, Color.BLUE};
    for (int i = 0; i < 4; i++) {
      drawing.setColor(colours[i]);
      drawing.fillRect(i % 2 * 40, i / 2 * 30, 40, 30);
    }
    drawing.dispose();
    return image;
  }

  private static byte[] encoded(BufferedImage image, String format) throws IOException {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    assertThat(ImageIO.write(image, format, bytes)).isTrue();
    return bytes.toByteArray();
  }

  /** The JPEG with a segment of EXIF that says how it is turned. */
  private static byte[] turned(byte[] jpeg, int orientation) {
    byte[] segment =
        HexFormat.of()
            .parseHex(
                "ffe10022457869660000"
                    + "4d4d002a00000008"
                    + "0001"
                    + "011200030000000100000000"
                    + "00000000");
    segment[10 + 8 + 2 + 9] = (byte) orientation;
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    bytes.write(jpeg, 0, 2);
    bytes.writeBytes(segment);
    bytes.write(jpeg, 2, jpeg.length - 2);
    return bytes.toByteArray();
  }

  private static Color at(byte[] picture, double x, double y) throws IOException {
    BufferedImage image = ImageIO.read(new ByteArrayInputStream(picture));
    return new Color(image.getRGB((int) (x * image.getWidth()), (int) (y * image.getHeight())));
  }

  private static void assertColour(Color found, String expected) {
    Color wanted = new Color(Integer.parseInt(expected, 16));
    assertThat(found.getRed()).isCloseTo(wanted.getRed(), within(40));
    assertThat(found.getGreen()).isCloseTo(wanted.getGreen(), within(40));
    assertThat(found.getBlue()).isCloseTo(wanted.getBlue(), within(40));
  }

  @Test
  void capsTheLongerSideAndKeepsTheShape() throws Exception {
    byte[] photo = sample("large.jpg"); // 4032x3024
    Outcome.Ready ready = ready(USUAL, photo);
    assertThat(ready.changed()).isTrue();
    assertThat(ready.contentType()).isEqualTo("image/jpeg");
    assertThat(ready.width()).isEqualTo(2048);
    assertThat(ready.height()).isEqualTo(1536);
    assertThat(ready.bytes()).hasSizeLessThan(photo.length);
    BufferedImage read = ImageIO.read(new ByteArrayInputStream(ready.bytes()));
    assertThat(read.getWidth()).isEqualTo(2048);
    assertThat(read.getHeight()).isEqualTo(1536);
  }

  @ParameterizedTest
  @ValueSource(strings = {"scene.jpg", "rotated_90.jpg", "alpha.png", "scene.bmp", "scene.webp"})
  void leavesASmallPictureAsItIs(String name) throws Exception {
    byte[] picture = sample(name);
    Outcome.Ready ready = ready(USUAL, picture);
    assertThat(ready.changed()).isFalse();
    assertThat(ready.bytes()).isSameAs(picture);
  }

  @ParameterizedTest
  @CsvSource({
    "1, 40, 30, ff0000, 00ff00",
    "2, 40, 30, 00ff00, ff0000",
    "3, 40, 30, 0000ff, ffffff",
    "4, 40, 30, ffffff, 0000ff",
    "5, 30, 40, ff0000, ffffff",
    "6, 30, 40, ffffff, ff0000",
    "7, 30, 40, 0000ff, 00ff00",
    "8, 30, 40, 00ff00, 0000ff"
  })
  void turnsAPictureUpright(int orientation, int width, int height, String left, String right)
      throws Exception {
    byte[] jpeg = turned(encoded(quarters(BufferedImage.TYPE_INT_RGB), "jpg"), orientation);
    Outcome.Ready ready = ready(USUAL.withLongestSide(40), jpeg);
    assertThat(ready.width()).isEqualTo(width);
    assertThat(ready.height()).isEqualTo(height);
    assertColour(at(ready.bytes(), 0.25, 0.25), left);
    assertColour(at(ready.bytes(), 0.75, 0.25), right);
  }

  @Test
  void dropsTransparencyAsTheServerDoes() throws Exception {
    BufferedImage image = quarters(BufferedImage.TYPE_INT_ARGB);
    for (int x = 0; x < 40; x++) {
      for (int y = 0; y < 30; y++) {
        image.setRGB(x, y, 0x00ff0000); // red that is not to be seen
      }
    }
    Outcome.Ready ready = ready(USUAL.withLongestSide(40), encoded(image, "png"));
    assertColour(at(ready.bytes(), 0.25, 0.25), "ff0000");
  }

  @Test
  void keepsWhatWouldNotBecomeSmaller() throws Exception {
    byte[] flat = encoded(new BufferedImage(600, 400, BufferedImage.TYPE_INT_RGB), "png");
    Outcome.Ready ready = ready(new PicturePreparation(2048, 0.88, 0, Limits.UNKNOWN), flat);
    assertThat(ready.changed()).isFalse();
    assertThat(ready.width()).isEqualTo(600);
  }

  @Test
  void recodesAKindThatTheGatewayDoesNotTake() throws Exception {
    Limits limits = new Limits(1 << 20, 1 << 20, 1 << 12, List.of("jpeg", "png"));
    byte[] gif = encoded(quarters(BufferedImage.TYPE_INT_RGB), "gif");
    Outcome.Ready ready = ready(USUAL.within(limits), gif);
    assertThat(ready.contentType()).isEqualTo("image/jpeg");
    assertThat(ready.width()).isEqualTo(80);
    assertThat(unfit(USUAL.within(limits), sample("scene.webp")))
        .isEqualTo("webp is not taken (expected: jpeg, png)");
  }

  @Test
  void keepsTheLimitsOfTheGateway() throws Exception {
    byte[] photo = sample("large.jpg");
    Limits small = new Limits(1 << 20, 120_000, 1000, List.of("jpeg"));
    Outcome.Ready ready = ready(USUAL.within(small), photo);
    assertThat(ready.width() * ready.height()).isCloseTo(120_000, within(1000));
    assertThat(ready(USUAL.within(new Limits(1 << 20, 1 << 30, 1000, List.of())), photo).width())
        .isEqualTo(1000);
    assertThat(unfit(USUAL.within(new Limits(100, 1 << 30, 4000, List.of())), sample("tiny.jpg")))
        .isEqualTo("2430 bytes (expected: at most 100)");
  }

  @Test
  void saysWhatIsNoPicture() {
    assertThat(unfit(USUAL, "hello there".getBytes(java.nio.charset.StandardCharsets.UTF_8)))
        .isEqualTo("no picture of a kind that is known");
    assertThat(unfit(USUAL, new byte[0])).isEqualTo("no picture of a kind that is known");
  }

  @Test
  void leavesWhatItCannotReadToTheGateway() throws Exception {
    byte[] photo = sample("large.jpg");
    for (byte[] odd :
        List.of(
            sample("cmyk.jpg"),
            Arrays.copyOf(photo, 10),
            Arrays.copyOf(photo, 300),
            Arrays.copyOf(photo, photo.length / 2))) {
      Outcome.Ready ready = ready(USUAL.withLongestSide(100), odd);
      assertThat(ready.changed()).isFalse();
      assertThat(ready.bytes()).isSameAs(odd);
    }
  }

  @Test
  void asksTheGatewayForItsLimits() {
    String told = "{\"body_bytes\":1000,\"image_side\":64,\"image_formats\":[\"jpeg\"]}";
    try (var server = new PlainHttpServer(_ -> PlainHttpServer.Response.of(200, told));
        EventLoops loops = EventLoops.of(1);
        ImageClient client = new ImageClient(HttpOptions.of(server.endpoint()), loops)) {
      Limits limits = client.limits(Duration.ofSeconds(20)).join();
      assertThat(limits).isEqualTo(new Limits(1000, Long.MAX_VALUE, 64, List.of("jpeg")));
    }
  }

  @Test
  void refusesNumbersThatMakeNoSense() {
    assertThatThrownBy(() -> new PicturePreparation(0, 0.9, 0, Limits.UNKNOWN))
        .hasMessageContaining("longestSide 0");
    assertThatThrownBy(() -> new PicturePreparation(1, Double.NaN, 0, Limits.UNKNOWN))
        .hasMessageContaining("quality NaN");
  }
}
