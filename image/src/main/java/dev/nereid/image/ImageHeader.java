package dev.nereid.image;

import dev.nereid.core.Fault;
import dev.nereid.core.FaultException;
import java.nio.ByteBuffer;
import org.jspecify.annotations.Nullable;

/**
 * What an encoded picture says of itself before it is decoded. Immutable.
 *
 * @param width of the stored pixels, before the orientation is applied
 * @param height of the stored pixels, before the orientation is applied
 * @param orientation what is still to be done; always {@link Orientation#UPRIGHT} for TIFF, whose
 *     pixels are turned while they are decoded
 * @param codedPixels the most pixels that a decoder must hold at a time, such as those of a padded
 *     tile; at least width times height
 * @param scans how often a decoder passes over the whole picture; 1 but for JPEG
 */
public record ImageHeader(
    ImageFormat format,
    int width,
    int height,
    Orientation orientation,
    long codedPixels,
    int scans) {

  /** Width as a viewer shows it. */
  public int uprightWidth() {
    return orientation.swapsSides() ? height : width;
  }

  /** Height as a viewer shows it. */
  public int uprightHeight() {
    return orientation.swapsSides() ? width : height;
  }

  /**
   * Reads the header and decodes nothing. The buffer's position stays.
   *
   * @throws FaultException with {@link Fault#UNSUPPORTED_MEDIA} when this is no picture of a known
   *     kind, with {@link Fault#UNPROCESSABLE} when the header is damaged
   */
  public static ImageHeader probe(ByteBuffer encoded) {
    ImageFormat format = formatOf(encoded);
    if (format == null) {
      throw FaultException.of(
          Fault.UNSUPPORTED_MEDIA,
          "image: "
              + (encoded.hasRemaining() ? "of no known kind" : "no bytes")
              + " (expected: JPEG, PNG, WebP, BMP, TIFF or GIF)");
    }
    HeaderBytes bytes = new HeaderBytes(encoded, format);
    ImageHeader header =
        switch (format) {
          case JPEG -> JpegHeader.read(bytes);
          case PNG -> PngHeader.read(bytes);
          case WEBP -> WebpHeader.read(bytes);
          case BMP -> BmpHeader.read(bytes);
          case TIFF -> TiffHeader.read(bytes);
          case GIF -> gif(bytes);
        };
    if (header.width < 1 || header.height < 1) {
      throw bytes.damaged("size " + header.width + "x" + header.height);
    }
    return header;
  }

  static ImageHeader of(ImageFormat format, int width, int height, Orientation orientation) {
    return new ImageHeader(format, width, height, orientation, (long) width * height, 1);
  }

  private static ImageHeader gif(HeaderBytes bytes) {
    return of(ImageFormat.GIF, bytes.u16(6, true), bytes.u16(8, true), Orientation.UPRIGHT);
  }

  private static @Nullable ImageFormat formatOf(ByteBuffer encoded) {
    HeaderBytes bytes = new HeaderBytes(encoded, ImageFormat.JPEG);
    if (bytes.has(0, "\u00ff\u00d8\u00ff")) {
      return ImageFormat.JPEG;
    }
    if (bytes.has(0, "\u0089PNG\r\n\u001a\n")) {
      return ImageFormat.PNG;
    }
    if (bytes.has(0, "RIFF") && bytes.has(8, "WEBP")) {
      return ImageFormat.WEBP;
    }
    if (bytes.has(0, "BM")) {
      return ImageFormat.BMP;
    }
    if (bytes.has(0, "II*\0") || bytes.has(0, "MM\0*")) {
      return ImageFormat.TIFF;
    }
    return bytes.has(0, "GIF87a") || bytes.has(0, "GIF89a") ? ImageFormat.GIF : null;
  }
}
