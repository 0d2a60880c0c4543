package dev.nereid.client;

/** How a picture travels to a REST route. */
public enum ImageForm {
  /** The encoded picture is the body. */
  RAW,
  /** A multipart form with the field {@code image}, as curl and browsers send it. */
  MULTIPART,
  /** JSON with the picture in base64 under {@code image}. */
  BASE64
}
