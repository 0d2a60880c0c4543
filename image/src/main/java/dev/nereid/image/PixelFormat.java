package dev.nereid.image;

import dev.nereid.core.DataType;
import java.util.List;

/**
 * How pixels stand in a tensor: {@code value = (pixel * scale - mean) / std} for each of three
 * channels.
 *
 * @param type FP32, FP16, or UINT8 for pixels as they are
 * @param channelsFirst [3,H,W] rather than [H,W,3]
 * @param rgb red first rather than blue first
 * @param mean of each channel in the tensor's order
 * @param std of each channel in the tensor's order
 */
public record PixelFormat(
    DataType type,
    boolean channelsFirst,
    boolean rgb,
    double scale,
    List<Double> mean,
    List<Double> std) {
  private static final List<Double> ZEROS = List.of(0.0, 0.0, 0.0);
  private static final List<Double> ONES = List.of(1.0, 1.0, 1.0);

  /** [3,H,W] FP32, red first, 0 to 1: what most detectors take. */
  public static final PixelFormat PLAIN = plain(DataType.FP32, true);

  public PixelFormat {
    mean = List.copyOf(mean);
    std = List.copyOf(std);
    if (type != DataType.FP32 && type != DataType.FP16 && type != DataType.UINT8) {
      throw new IllegalArgumentException(
          "type: " + type.configName() + " (expected: TYPE_FP32, TYPE_FP16 or TYPE_UINT8)");
    }
    if (!Double.isFinite(scale) || scale == 0) {
      throw new IllegalArgumentException("scale: " + scale + " (expected: finite, not 0)");
    }
    if (mean.size() != 3 || !mean.stream().allMatch(Double::isFinite)) {
      throw new IllegalArgumentException("mean: " + mean + " (expected: three numbers)");
    }
    if (std.size() != 3 || !std.stream().allMatch(value -> value > 0 && value < 1e9)) {
      throw new IllegalArgumentException("std: " + std + " (expected: three numbers above 0)");
    }
    if (type == DataType.UINT8 && !(scale == 1 && mean.equals(ZEROS) && std.equals(ONES))) {
      throw new IllegalArgumentException(
          "scale, mean, std: "
              + scale
              + ", "
              + mean
              + ", "
              + std
              + " (expected: 1, zeros and ones, since TYPE_UINT8 takes pixels as they are)");
    }
  }

  /** Values of 0 to 1, or 0 to 255 for UINT8, red first. */
  public static PixelFormat plain(DataType type, boolean channelsFirst) {
    double scale = type == DataType.UINT8 ? 1 : 1 / 255.0;
    return new PixelFormat(type, channelsFirst, true, scale, ZEROS, ONES);
  }

  /** What a pixel is multiplied with for that channel of the tensor. */
  double factor(int channel) {
    return scale / std.get(channel);
  }

  /** What is added then. */
  double offset(int channel) {
    return -mean.get(channel) / std.get(channel);
  }

  /** Whether every channel is treated alike. */
  boolean isUniform() {
    return mean.stream().distinct().count() == 1 && std.stream().distinct().count() == 1;
  }

  /** The type of the native library for one channel. */
  int depth() {
    return switch (type) {
      case FP16 -> org.bytedeco.opencv.global.opencv_core.CV_16F;
      case UINT8 -> org.bytedeco.opencv.global.opencv_core.CV_8U;
      default -> org.bytedeco.opencv.global.opencv_core.CV_32F;
    };
  }
}
