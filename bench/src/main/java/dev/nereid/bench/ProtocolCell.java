package dev.nereid.bench;

/**
 * One point of the comparison.
 *
 * @param target which server
 * @param perCall whether every call opens a connection of its own
 */
record ProtocolCell(
    String target,
    Route route,
    Payload payload,
    int batch,
    int concurrency,
    Link link,
    boolean perCall) {
  String id() {
    return String.join(
        "/",
        target,
        route.id(),
        payload.label(),
        "b" + batch,
        "c" + concurrency,
        link.name(),
        perCall ? "per-call" : "shared");
  }

  /** Bytes of the pictures in one request, roughly; pictures in their files are taken for 20 KB. */
  long payloadBytes() {
    long pixels = 3L * 224 * 224;
    long tensor =
        switch (payload) {
          case ENCODED -> route == Route.BASE64 ? 27_000 : 20_000;
          case UINT8 -> route == Route.JSON ? 4 * pixels : pixels;
          case FP16 -> 2 * pixels;
          case FP32 -> route == Route.JSON ? 11 * pixels : 4 * pixels;
        };
    return batch * tensor;
  }
}
