package dev.nereid.image;

/** The kinds of picture that are accepted, told apart by their first bytes. */
public enum ImageFormat {
  JPEG,
  PNG,
  WEBP,
  BMP,
  TIFF,
  GIF
}
