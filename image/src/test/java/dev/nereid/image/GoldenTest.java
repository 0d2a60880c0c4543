package dev.nereid.image;

import static org.assertj.core.api.Assertions.assertThat;

import dev.nereid.core.DataType;
import java.awt.image.BufferedImage;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.stream.Stream;
import org.bytedeco.opencv.opencv_core.Mat;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Held against what OpenCV's Python binding makes of the same files. */
final class GoldenTest {
  private static Workspace workspace;

  @BeforeAll
  static void open() {
    workspace = new Workspace();
  }

  @AfterAll
  static void close() {
    workspace.close();
  }

  static Stream<Golden> decoded() {
    return Golden.all().stream().filter(golden -> golden.step().equals("decode"));
  }

  static Stream<Golden> fitted() {
    return Golden.all().stream().filter(golden -> !golden.step().equals("decode"));
  }

  @ParameterizedTest
  @MethodSource("decoded")
  void decodedPixelsAreTheReferences(Golden golden) {
    ByteBuffer encoded = Golden.direct(Golden.bytes(golden.source()));
    ImageHeader header = ImageHeader.probe(encoded);
    Mat pixels = ImageDecoder.decode(encoded, header, true, 1, workspace);
    var expected = golden.expectedImage();
    assertThat(List.of(pixels.cols(), pixels.rows()))
        .isEqualTo(List.of(expected.getWidth(), expected.getHeight()));
    assertThat(List.of(header.uprightWidth(), header.uprightHeight()))
        .isEqualTo(List.of(expected.getWidth(), expected.getHeight()));
    byte[] actual = new byte[pixels.cols() * pixels.rows() * 3];
    pixels.data().get(actual);
    assertSame(actual, golden.expectedPixels());
  }

  @ParameterizedTest
  @MethodSource("fitted")
  void fittedPixelsAreTheReferencesInEveryLayout(Golden golden) {
    BufferedImage image = golden.expectedImage();
    byte[] expected = golden.expectedPixels();
    for (DataType type : List.of(DataType.UINT8, DataType.FP32, DataType.FP16)) {
      for (boolean channelsFirst : List.of(true, false)) {
        for (boolean rgb : List.of(true, false)) {
          PixelFormat plain = PixelFormat.plain(type, channelsFirst);
          checkFormat(
              golden,
              new PixelFormat(type, channelsFirst, rgb, plain.scale(), plain.mean(), plain.std()),
              image,
              expected);
          if (type != DataType.UINT8) {
            List<Double> mean = List.of(0.485, 0.456, 0.406);
            List<Double> std = List.of(0.229, 0.224, 0.225);
            checkFormat(
                golden,
                new PixelFormat(type, channelsFirst, rgb, plain.scale(), mean, std),
                image,
                expected);
          }
        }
      }
    }
  }

  private static void checkFormat(
      Golden golden, PixelFormat format, BufferedImage image, byte[] expected) {
    int width = image.getWidth();
    int height = image.getHeight();
    Recipe recipe =
        new Recipe(
            width, height, golden.fit(), Interpolation.LINEAR, format, Recipe.Decoding.DEFAULT);
    ByteBuffer slot = Golden.slot(recipe);
    for (int i = 0; i < slot.capacity(); i++) {
      slot.put(i, (byte) 0x5a);
    }
    new Preprocessor(recipe).apply(Golden.direct(Golden.bytes(golden.source())), slot, workspace);
    for (int i = 0; i < width * height; i++) {
      for (int channel = 0; channel < 3; channel++) {
        int pixel = expected[i * 3 + (format.rgb() ? 2 - channel : channel)] & 0xff;
        double value =
            (pixel * format.scale() - format.mean().get(channel)) / format.std().get(channel);
        int at = format.channelsFirst() ? channel * width * height + i : i * 3 + channel;
        double actual = at(slot, at, format.type());
        double tolerance =
            switch (format.type()) {
              case UINT8 -> 0;
              case FP16 -> 1e-3 * Math.max(1, Math.abs(value));
              default -> 1e-6;
            };
        if (Math.abs(actual - value) > tolerance) {
          assertThat(actual).as("%s pixel %d channel %d", format, i, channel).isEqualTo(value);
        }
      }
    }
  }

  private static double at(ByteBuffer slot, int index, DataType type) {
    return switch (type) {
      case UINT8 -> slot.get(index) & 0xff;
      case FP16 -> Float.float16ToFloat(slot.getShort(index * 2));
      default -> slot.getFloat(index * 4);
    };
  }

  private static void assertSame(byte[] actual, byte[] expected) {
    int different = 0;
    int most = 0;
    for (int i = 0; i < expected.length; i++) {
      int difference = Math.abs((actual[i] & 0xff) - (expected[i] & 0xff));
      most = Math.max(most, difference);
      different += difference == 0 ? 0 : 1;
    }
    assertThat(actual)
        .as("%d of %d values differ, by at most %d", different, expected.length, most)
        .isEqualTo(expected);
  }
}
