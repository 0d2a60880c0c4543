package dev.nereid.image;

import org.bytedeco.opencv.global.opencv_imgproc;

/** How pixels between pixels are made up. */
public enum Interpolation {
  /** Bilinear over the four neighbours, without smoothing first: what YOLO's preprocessing does. */
  LINEAR(opencv_imgproc.INTER_LINEAR),
  /** The mean of the area that a pixel covers; smooth when scaling down a lot. */
  AREA(opencv_imgproc.INTER_AREA),
  /** Bicubic over sixteen neighbours. */
  CUBIC(opencv_imgproc.INTER_CUBIC);

  private final int code;

  Interpolation(int code) {
    this.code = code;
  }

  int code() {
    return code;
  }
}
