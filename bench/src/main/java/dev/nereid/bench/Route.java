package dev.nereid.bench;

import java.util.Locale;

/** How a picture reaches the model. */
enum Route {
  /** The v2 protocol over gRPC. */
  GRPC,
  /** The v2 protocol over HTTP, tensors as bytes. */
  BINARY,
  /** The v2 protocol over HTTP, tensors as JSON. */
  JSON,
  /** A form with a file for each picture, to {@code /embed/batch}. */
  MULTIPART,
  /** JSON with base64, to {@code /embed/base64}. */
  BASE64;

  String label() {
    return switch (this) {
      case GRPC -> "gRPC";
      case BINARY -> "HTTP binary";
      case JSON -> "HTTP JSON";
      case MULTIPART -> "REST multipart";
      case BASE64 -> "REST base64";
    };
  }

  String id() {
    return name().toLowerCase(Locale.ROOT);
  }

  boolean isRest() {
    return this == MULTIPART || this == BASE64;
  }

  /** Whether the protocol has a form for it: JSON has none for bytes and for half precision. */
  boolean carries(Payload payload) {
    return switch (this) {
      case GRPC, BINARY -> true;
      case JSON -> payload != Payload.ENCODED && payload != Payload.FP16;
      case MULTIPART, BASE64 -> payload == Payload.ENCODED;
    };
  }
}
