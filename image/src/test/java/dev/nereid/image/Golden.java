package dev.nereid.image;

import java.awt.image.BufferedImage;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import javax.imageio.ImageIO;

/** The reference pictures that {@code tools/make_image_golden.py} wrote. */
record Golden(String source, String step, List<Integer> parameters, String expected) {

  static List<Golden> all() {
    return text("golden.tsv")
        .lines()
        .map(line -> line.split("\t", -1))
        .map(
            part ->
                new Golden(
                    part[0],
                    part[1],
                    Arrays.stream(part[2].split(","))
                        .filter(number -> !number.isEmpty())
                        .map(Integer::valueOf)
                        .toList(),
                    part[3]))
        .toList();
  }

  static List<String> sources() {
    return all().stream().map(Golden::source).distinct().toList();
  }

  static byte[] bytes(String name) {
    try (InputStream in = Golden.class.getResourceAsStream("/golden/" + name)) {
      return Objects.requireNonNull(in, name).readAllBytes();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static String text(String name) {
    return new String(bytes(name), StandardCharsets.UTF_8);
  }

  static ByteBuffer direct(byte[] bytes) {
    return ByteBuffer.allocateDirect(bytes.length).order(ByteOrder.LITTLE_ENDIAN).put(bytes).flip();
  }

  static ByteBuffer slot(Recipe recipe) {
    return ByteBuffer.allocateDirect(recipe.tensorBytes()).order(ByteOrder.LITTLE_ENDIAN);
  }

  /** The expected pixels, rows of blue, green, red. */
  byte[] expectedPixels() {
    BufferedImage image = expectedImage();
    byte[] pixels = new byte[image.getWidth() * image.getHeight() * 3];
    int at = 0;
    for (int y = 0; y < image.getHeight(); y++) {
      for (int x = 0; x < image.getWidth(); x++) {
        int rgb = image.getRGB(x, y);
        pixels[at++] = (byte) rgb;
        pixels[at++] = (byte) (rgb >> 8);
        pixels[at++] = (byte) (rgb >> 16);
      }
    }
    return pixels;
  }

  BufferedImage expectedImage() {
    try (InputStream in = Golden.class.getResourceAsStream("/golden/" + expected)) {
      return ImageIO.read(in);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  Fit fit() {
    return switch (step) {
      case "letterbox" -> new Fit.Letterboxed(parameters.get(1) == 1, 114);
      case "center_crop" -> new Fit.CenterCropped(parameters.get(1));
      case "stretch" -> new Fit.Stretched();
      default -> throw new IllegalArgumentException("step: " + step);
    };
  }

  @Override
  public String toString() {
    return expected;
  }
}
