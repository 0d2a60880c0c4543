package dev.nereid.bench;

import java.util.Locale;

/** What travels: a picture in one of its forms, or a small tensor. */
enum Payload {
  /** Nothing: the file's own bytes; the server decodes. */
  ENCODED,
  /** Its pixels. */
  UINT8,
  /** The network's input, in half precision. */
  FP16,
  /** The network's input. */
  FP32,
  /** A small tensor of FP32, which is no picture: what a request itself costs. */
  TENSOR;

  String label() {
    return name().toLowerCase(Locale.ROOT);
  }

  static Payload parse(String text) {
    try {
      return valueOf(text.strip().toUpperCase(Locale.ROOT));
    } catch (IllegalArgumentException e) {
      throw new IllegalArgumentException(
          "payload: '" + text + "' (expected: encoded, uint8, fp16, fp32 or tensor)", e);
    }
  }
}
