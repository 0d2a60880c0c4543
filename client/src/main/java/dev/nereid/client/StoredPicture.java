package dev.nereid.client;

import java.awt.Graphics2D;
import java.awt.RenderingHints;
import java.awt.color.ColorSpace;
import java.awt.geom.AffineTransform;
import java.awt.image.BufferedImage;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.Iterator;
import java.util.concurrent.atomic.AtomicBoolean;
import javax.imageio.IIOImage;
import javax.imageio.ImageIO;
import javax.imageio.ImageReader;
import javax.imageio.ImageWriteParam;
import javax.imageio.ImageWriter;
import javax.imageio.stream.ImageInputStream;
import javax.imageio.stream.MemoryCacheImageInputStream;
import javax.imageio.stream.MemoryCacheImageOutputStream;
import org.jspecify.annotations.Nullable;

/**
 * An encoded picture as the JDK reads it.
 *
 * @param width upright; 0 where it cannot be read
 * @param height upright; 0 where it cannot be read
 * @param orientation as EXIF counts, 1 to 8
 */
@SuppressWarnings("ArrayRecordComponent") // never compared
record StoredPicture(byte[] encoded, int width, int height, int orientation) {
  static final StoredPicture UNREADABLE = new StoredPicture(new byte[0], 0, 0, 1);

  /** More are not decoded: each takes 3 to 6 bytes. */
  private static final long MOST_PIXELS = 256_000_000;

  private static final int FIRST_SWAPPED = 5;

  /** What is done with a reader that stands at the picture. */
  @FunctionalInterface
  private interface Reading<T> {
    T from(ImageReader reader) throws IOException;
  }

  /** Reads the head of a picture alone. */
  static StoredPicture of(byte[] encoded) {
    int orientation = ExifOrientation.of(encoded);
    StoredPicture read =
        read(
            encoded,
            reader -> {
              int width = reader.getWidth(0);
              int height = reader.getHeight(0);
              return orientation < FIRST_SWAPPED
                  ? new StoredPicture(encoded, width, height, orientation)
                  : new StoredPicture(encoded, height, width, orientation);
            });
    return read == null || (long) read.width * read.height > MOST_PIXELS ? UNREADABLE : read;
  }

  boolean isReadable() {
    return width > 0 && height > 0;
  }

  /** The picture upright, without transparency, scaled; null when its pixels cannot be read. */
  @Nullable BufferedImage upright(double scale) {
    BufferedImage stored = read(encoded, reader -> reader.read(0));
    if (stored == null || isOfInks(stored)) {
      return null;
    }
    int wide = Math.max(1, (int) Math.round(stored.getWidth() * scale));
    int high = Math.max(1, (int) Math.round(stored.getHeight() * scale));
    return turned(scaled(opaque(stored), wide, high), orientation);
  }

  /**
   * Null where nothing here can read it, or not without a warning; the gateway may, or says why.
   */
  @SuppressWarnings("CatchingUnchecked") // readers throw of all kinds at damaged pictures
  private static <T> @Nullable T read(byte[] encoded, Reading<T> reading) {
    try (ImageInputStream in = new MemoryCacheImageInputStream(new ByteArrayInputStream(encoded))) {
      Iterator<ImageReader> readers = ImageIO.getImageReaders(in);
      if (!readers.hasNext()) {
        return null;
      }
      ImageReader reader = readers.next();
      try {
        AtomicBoolean warned = new AtomicBoolean();
        reader.addIIOReadWarningListener((_, _) -> warned.set(true));
        reader.setInput(in, true, true);
        T read = reading.from(reader);
        return warned.get() ? null : read;
      } finally {
        reader.dispose();
      }
    } catch (IOException | RuntimeException e) {
      return null;
    }
  }

  /** Whether its colours are those of printing, which everybody turns into others their own way. */
  private static boolean isOfInks(BufferedImage image) {
    return image.getColorModel().getColorSpace().getType() == ColorSpace.TYPE_CMYK;
  }

  /** Colours as they are stored: those of transparent pixels too, as the server takes them. */
  private static BufferedImage opaque(BufferedImage image) {
    if (image.getType() == BufferedImage.TYPE_INT_RGB
        || image.getType() == BufferedImage.TYPE_3BYTE_BGR) {
      return image;
    }
    int width = image.getWidth();
    BufferedImage opaque = new BufferedImage(width, image.getHeight(), BufferedImage.TYPE_INT_RGB);
    int[] row = new int[width];
    for (int y = 0; y < image.getHeight(); y++) {
      opaque.setRGB(0, y, width, 1, image.getRGB(0, y, width, 1, row, 0, width), 0, width);
    }
    return opaque;
  }

  /** Halves as long as that is not too far: one big step would skip pixels. */
  private static BufferedImage scaled(BufferedImage image, int width, int height) {
    BufferedImage from = image;
    while (from.getWidth() != width || from.getHeight() != height) {
      int wide = Math.max(width, (from.getWidth() + 1) / 2);
      int high = Math.max(height, (from.getHeight() + 1) / 2);
      BufferedImage to = new BufferedImage(wide, high, BufferedImage.TYPE_INT_RGB);
      Graphics2D drawing = to.createGraphics();
      drawing.setRenderingHint(
          RenderingHints.KEY_INTERPOLATION, RenderingHints.VALUE_INTERPOLATION_BILINEAR);
      drawing.drawImage(from, 0, 0, wide, high, null);
      drawing.dispose();
      from = to;
    }
    return from;
  }

  private static BufferedImage turned(BufferedImage image, int orientation) {
    if (orientation == 1) {
      return image;
    }
    int width = image.getWidth();
    int height = image.getHeight();
    AffineTransform turn =
        switch (orientation) {
          case 2 -> new AffineTransform(-1, 0, 0, 1, width, 0);
          case 3 -> new AffineTransform(-1, 0, 0, -1, width, height);
          case 4 -> new AffineTransform(1, 0, 0, -1, 0, height);
          case 5 -> new AffineTransform(0, 1, 1, 0, 0, 0);
          case 6 -> new AffineTransform(0, 1, -1, 0, height, 0);
          case 7 -> new AffineTransform(0, -1, -1, 0, height, width);
          case 8 -> new AffineTransform(0, -1, 1, 0, 0, width);
          default -> new AffineTransform();
        };
    boolean swapped = orientation >= FIRST_SWAPPED;
    BufferedImage turned =
        new BufferedImage(
            swapped ? height : width, swapped ? width : height, BufferedImage.TYPE_INT_RGB);
    Graphics2D drawing = turned.createGraphics();
    drawing.drawImage(image, turn, null);
    drawing.dispose();
    return turned;
  }

  /** The picture as JPEG. */
  static byte[] jpeg(BufferedImage image, double quality) {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    ImageWriter writer = ImageIO.getImageWritersByFormatName("jpeg").next();
    try (var out = new MemoryCacheImageOutputStream(bytes)) {
      writer.setOutput(out);
      ImageWriteParam wanted = writer.getDefaultWriteParam();
      wanted.setCompressionMode(ImageWriteParam.MODE_EXPLICIT);
      wanted.setCompressionQuality((float) quality);
      writer.write(null, new IIOImage(image, null, null), wanted);
    } catch (IOException e) {
      throw new UncheckedIOException(e); // memory does not fail
    } finally {
      writer.dispose();
    }
    return bytes.toByteArray();
  }
}
