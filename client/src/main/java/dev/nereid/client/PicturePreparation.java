package dev.nereid.client;

import java.awt.image.BufferedImage;
import java.util.ArrayList;
import java.util.List;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.ObjectMapper;

/**
 * Makes photos smaller before they are sent, without changing what a model sees in them: the longer
 * side is capped and the rest is JPEG's work. The shape stays, nothing is padded or normalised, and
 * a picture that EXIF says is turned comes out upright. What is small already is left alone.
 *
 * <p><b>Threading.</b> Immutable. A photo of twelve megapixels takes some hundred milliseconds of
 * the calling thread: not for event loops.
 *
 * <p><b>Errors.</b> A picture that the gateway would refuse is {@link Outcome.Unfit}. One that
 * cannot be read here, such as WebP, is sent as it is: the gateway reads more.
 *
 * @param longestSide in pixels
 * @param quality of the JPEG, 0 to 1
 * @param keptBytes a picture with few pixels and no more bytes than this is left as it is
 * @param limits of the gateway
 */
public record PicturePreparation(int longestSide, double quality, int keptBytes, Limits limits) {
  /** 2,048 pixels, JPEG of quality 88, and 512 KiB that are left alone. */
  public static final PicturePreparation DEFAULT =
      new PicturePreparation(2048, 0.88, 512 << 10, Limits.UNKNOWN);

  public PicturePreparation {
    if (longestSide < 1 || !(quality >= 0 && quality <= 1) || keptBytes < 0) {
      throw new IllegalArgumentException(
          "longestSide %d, quality %s, keptBytes %d (expected: >= 1, 0 to 1, >= 0)"
              .formatted(longestSide, quality, keptBytes));
    }
  }

  /** The same with another longest side, in pixels. */
  public PicturePreparation withLongestSide(int pixels) {
    return new PicturePreparation(pixels, quality, keptBytes, limits);
  }

  /** The same within the limits of a gateway, as {@link ImageClient#limits} tells them. */
  public PicturePreparation within(Limits told) {
    return new PicturePreparation(longestSide, quality, keptBytes, told);
  }

  /**
   * What a gateway takes.
   *
   * @param bodyBytes of a request
   * @param pixels of a picture
   * @param side of a picture, in pixels
   * @param formats in lower case; empty for every one that is known here
   */
  public record Limits(long bodyBytes, long pixels, int side, List<String> formats) {
    /** No gateway was asked. */
    public static final Limits UNKNOWN =
        new Limits(Long.MAX_VALUE, Long.MAX_VALUE, Integer.MAX_VALUE, List.of());

    public Limits {
      formats = List.copyOf(formats);
    }

    /** Reads the answer to {@code GET /limits}; what it does not tell is not limited. */
    static Limits of(String json) {
      JsonNode told;
      try {
        told = new ObjectMapper().readTree(json);
      } catch (JacksonException e) {
        throw GrpcMessages.malformed(String.valueOf(e.getOriginalMessage()));
      }
      List<String> formats = new ArrayList<>();
      told.path("image_formats").forEach(format -> formats.add(format.asString()));
      return new Limits(
          told.path("body_bytes").asLong(Long.MAX_VALUE),
          told.path("image_pixels").asLong(Long.MAX_VALUE),
          told.path("image_side").asInt(Integer.MAX_VALUE),
          formats);
    }
  }

  /** What came of preparing a picture. */
  public sealed interface Outcome {
    /**
     * A picture to send.
     *
     * @param width upright; 0 where it cannot be told here
     * @param height upright; 0 where it cannot be told here
     * @param changed whether these are other bytes than those given
     */
    @SuppressWarnings("ArrayRecordComponent") // never compared
    record Ready(byte[] bytes, String contentType, int width, int height, boolean changed)
        implements Outcome {}

    /** A picture that the gateway would refuse, and why. */
    record Unfit(String reason) implements Outcome {}
  }

  /** Prepares an encoded picture. */
  public Outcome prepare(byte[] picture) {
    String type = ImageClient.contentType(picture);
    String format = type.startsWith("image/") ? type.substring("image/".length()) : "";
    boolean taken =
        !format.isEmpty() && (limits.formats().isEmpty() || limits.formats().contains(format));
    StoredPicture stored = format.isEmpty() ? StoredPicture.UNREADABLE : StoredPicture.of(picture);
    if (stored.isReadable()) {
      double scale = scale(stored.width(), stored.height());
      boolean small = scale == 1 && picture.length <= keptBytes;
      if (!taken || !small) {
        BufferedImage upright = stored.upright(scale);
        byte[] made = upright == null ? picture : StoredPicture.jpeg(upright, quality);
        boolean worthIt = scale < 1 || made.length < picture.length || !taken;
        if (upright != null && worthIt) {
          return within("image/jpeg", made, upright.getWidth(), upright.getHeight(), true);
        }
      }
    }
    return taken
        ? within(type, picture, stored.width(), stored.height(), false)
        : new Outcome.Unfit(
            (format.isEmpty() ? "no picture of a kind that is known" : format + " is not taken")
                + (limits.formats().isEmpty()
                    ? ""
                    : " (expected: " + String.join(", ", limits.formats()) + ")"));
  }

  /** By what the sides are multiplied, at most 1. */
  private double scale(int width, int height) {
    double side = Math.min(longestSide, limits.side()) / (double) Math.max(width, height);
    double area = Math.sqrt(limits.pixels() / ((double) width * height));
    return Math.min(1, Math.min(side, area));
  }

  private Outcome within(String type, byte[] bytes, int width, int height, boolean changed) {
    return bytes.length > limits.bodyBytes()
        ? new Outcome.Unfit(bytes.length + " bytes (expected: at most " + limits.bodyBytes() + ")")
        : new Outcome.Ready(bytes, type, width, height, changed);
  }
}
