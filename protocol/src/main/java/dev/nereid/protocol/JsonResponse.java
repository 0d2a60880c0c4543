package dev.nereid.protocol;

import dev.nereid.core.Tensor;
import io.netty.buffer.ByteBuf;
import java.util.List;

/**
 * An infer response as it goes over HTTP.
 *
 * @param head the JSON text, and behind it the blobs when they are small; the receiver's to release
 * @param textLength for the header {@code Inference-Header-Content-Length}; -1 when the response is
 *     JSON alone, and goes without that header
 * @param blobs the bytes that follow the head, in order; views, valid while the response is open
 */
public record JsonResponse(ByteBuf head, int textLength, List<Tensor> blobs) {
  /** Bytes in all. */
  public long length() {
    long length = head.readableBytes();
    for (Tensor blob : blobs) {
      length += blob.length();
    }
    return length;
  }
}
