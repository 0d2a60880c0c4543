package dev.nereid.image;

import org.bytedeco.opencv.opencv_core.Mat;
import org.bytedeco.opencv.opencv_core.MatVector;

/**
 * The native pictures that one thread works with and uses again for the next one.
 *
 * <p><b>Threading.</b> For one thread at a time. <b>Ownership.</b> Whoever makes one closes it;
 * nothing else frees the native memory.
 */
public final class Workspace implements AutoCloseable {
  /** What is kept between pictures; a bigger one is freed when the next picture comes. */
  private static final long KEPT_BYTES = 24L << 20;

  final Mat decoded;
  final Mat turned;
  final Mat resized;
  final Mat converted;
  final MatVector planes;
  private final Mat[] all;
  private long decodeNanos;

  /** An empty workspace. Loads the native library if that has not been done. */
  public Workspace() {
    OpenCv.load();
    decoded = new Mat();
    turned = new Mat();
    resized = new Mat();
    converted = new Mat();
    planes = new MatVector();
    all = new Mat[] {decoded, turned, resized, converted};
  }

  /**
   * How long decoding the last picture took; the rest of its time went into scaling and packing.
   */
  public long decodeNanos() {
    return decodeNanos;
  }

  /** A picture was decoded, for which work began then. */
  void decodedSince(long nanos) {
    decodeNanos = System.nanoTime() - nanos;
  }

  /** Frees what a big picture has left behind. */
  void trim() {
    long bytes = 0;
    for (Mat mat : all) {
      bytes += mat.empty() ? 0 : mat.total() * mat.elemSize();
    }
    if (bytes > KEPT_BYTES) {
      for (Mat mat : all) {
        mat.release();
      }
    }
  }

  @Override
  public void close() {
    for (Mat mat : all) {
      mat.close();
    }
    planes.close();
  }
}
