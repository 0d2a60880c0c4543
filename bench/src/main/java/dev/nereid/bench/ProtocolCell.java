package dev.nereid.bench;

/**
 * One point of the comparison.
 *
 * @param target which server
 * @param tensorBytes of the tensor in a request, where that is no picture; else 0
 * @param perCall whether every call opens a connection of its own
 */
record ProtocolCell(
    String target,
    Route route,
    Payload payload,
    int tensorBytes,
    int batch,
    int concurrency,
    Link link,
    boolean perCall) {
  /** What travels, and of a tensor how much. */
  String form() {
    return payload.label() + (payload == Payload.TENSOR ? "-" + tensorBytes : "");
  }

  /** Numbers in each row of its tensor. */
  int rowValues() {
    return Math.max(1, tensorBytes / Float.BYTES / batch);
  }

  /** The same way, on loopback, with so many rows and callers. */
  ProtocolCell onLoopback(int rows, int callers) {
    return new ProtocolCell(
        target, route, payload, tensorBytes, rows, callers, Link.LOOPBACK, false);
  }

  String id() {
    return String.join(
        "/",
        target,
        route.id(),
        form(),
        "b" + batch,
        "c" + concurrency,
        link.name(),
        perCall ? "per-call" : "shared");
  }

  /** Bytes of what a request carries, roughly; pictures in their files are taken for 20 KB. */
  long payloadBytes() {
    long pixels = 3L * 224 * 224;
    return switch (payload) {
      case ENCODED -> batch * (route == Route.BASE64 ? 27_000L : 20_000L);
      case UINT8 -> batch * (route == Route.JSON ? 4 * pixels : pixels);
      case FP16 -> batch * 2L * pixels;
      case FP32 -> batch * (route == Route.JSON ? 11 * pixels : 4 * pixels);
      case TENSOR -> (long) Float.BYTES * batch * rowValues() * (route == Route.JSON ? 3 : 1);
    };
  }
}
