package dev.nereid.protocol;

import io.grpc.HasByteBuffer;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;

/** Takes messages out of the frames that gRPC received them in. Stateless. */
public final class GrpcFrames {
  private GrpcFrames() {}

  /**
   * Copies a message side by side, straight from the frames where the transport shows them.
   *
   * @param length of the message; the target has as much room
   * @param what the message is, for complaints
   * @throws IOException when it ends too early
   */
  public static void copy(InputStream stream, int length, ByteBuffer target, String what)
      throws IOException {
    if (stream instanceof HasByteBuffer chunks && chunks.byteBufferSupported()) {
      while (target.hasRemaining()) {
        ByteBuffer chunk = chunks.getByteBuffer();
        if (chunk == null) {
          throw new IOException(what + ": ends too early");
        }
        int size = chunk.remaining();
        target.put(chunk);
        stream.skipNBytes(size);
      }
    } else {
      target.put(stream.readNBytes(length));
    }
  }
}
