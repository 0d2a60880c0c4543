package dev.nereid.image;

import dev.nereid.core.Fault;
import dev.nereid.core.FaultException;
import java.lang.ref.Reference;
import java.nio.ByteBuffer;
import org.bytedeco.opencv.global.opencv_core;
import org.bytedeco.opencv.global.opencv_imgcodecs;
import org.bytedeco.opencv.opencv_core.Mat;

/**
 * Turns encoded bytes into upright pixels, 8 bits each of blue, green and red: equal to what
 * OpenCV's {@code imdecode} gives in colour. Grey becomes colour, CMYK is converted, transparency
 * is dropped, and of several frames the first counts. The orientation is applied here for every
 * format alike and not by the library, which does so for formats that differ by its version.
 */
final class ImageDecoder {
  private ImageDecoder() {}

  /**
   * Decodes into the workspace and returns the matrix with the result, which the workspace owns.
   *
   * @param reduction 1, 2, 4 or 8: by how much each side may come out smaller
   * @throws FaultException with {@link Fault#UNPROCESSABLE} when the bytes cannot be decoded
   */
  static Mat decode(
      ByteBuffer encoded, ImageHeader header, boolean upright, int reduction, Workspace workspace) {
    workspace.trim();
    Mat decoded = workspace.decoded;
    try (var address = OpenCv.Address.of(encoded);
        Mat bytes = new Mat(1, encoded.remaining(), opencv_core.CV_8UC1, address);
        Mat result = opencv_imgcodecs.imdecode(bytes, flags(reduction), decoded)) {
      if (result.empty()) {
        throw undecodable(header);
      }
      return upright ? turned(header, workspace) : decoded;
    } catch (FaultException e) {
      throw e;
    } catch (RuntimeException e) { // what the binding makes of the library's exceptions
      throw failureOf(e, header);
    } finally {
      Reference.reachabilityFence(encoded);
    }
  }

  private static int flags(int reduction) {
    int colour =
        switch (reduction) {
          case 2 -> opencv_imgcodecs.IMREAD_REDUCED_COLOR_2;
          case 4 -> opencv_imgcodecs.IMREAD_REDUCED_COLOR_4;
          case 8 -> opencv_imgcodecs.IMREAD_REDUCED_COLOR_8;
          default -> opencv_imgcodecs.IMREAD_COLOR;
        };
    return colour | opencv_imgcodecs.IMREAD_IGNORE_ORIENTATION;
  }

  private static Mat turned(ImageHeader header, Workspace workspace) {
    Mat from = workspace.decoded;
    Mat to = workspace.turned;
    switch (header.orientation()) {
      case UPRIGHT -> {
        return from;
      }
      case MIRRORED -> opencv_core.flip(from, to, 1);
      case UPSIDE_DOWN -> opencv_core.flip(from, to, -1);
      case UPSIDE_DOWN_MIRRORED -> opencv_core.flip(from, to, 0);
      case TRANSPOSED -> opencv_core.transpose(from, to);
      case TURN_RIGHT -> opencv_core.rotate(from, to, opencv_core.ROTATE_90_CLOCKWISE);
      case TRANSVERSED -> {
        opencv_core.transpose(from, to);
        opencv_core.flip(to, to, -1);
      }
      case TURN_LEFT -> opencv_core.rotate(from, to, opencv_core.ROTATE_90_COUNTERCLOCKWISE);
    }
    return to;
  }

  private static FaultException undecodable(ImageHeader header) {
    return FaultException.of(
        Fault.UNPROCESSABLE,
        "image: damaged "
            + header.format()
            + " of "
            + header.width()
            + "x"
            + header.height()
            + ": its pixels cannot be decoded");
  }

  private static FaultException failureOf(RuntimeException e, ImageHeader header) {
    String message = String.valueOf(e.getMessage());
    if (message.contains("Failed to allocate") || message.contains("bad_alloc")) {
      return new FaultException(
          Fault.OVERLOADED.with(
              "image: no memory for " + header.width() + "x" + header.height() + " pixels"),
          e);
    }
    return undecodable(header);
  }
}
