package dev.nereid.server;

import io.grpc.Decompressor;
import java.io.InputStream;
import java.util.zip.InflaterInputStream;

/**
 * Unpacks gRPC messages of encoding {@code deflate}, a zlib stream. gRPC for Java brings only
 * {@code gzip}; the other gRPC libraries, and with them Triton's clients, send both.
 *
 * <p>Thread-safe. The unpacked size is limited by whoever reads the stream.
 */
final class DeflateDecompressor implements Decompressor {
  @Override
  public String getMessageEncoding() {
    return "deflate";
  }

  @Override
  public InputStream decompress(InputStream packed) {
    return new InflaterInputStream(packed);
  }
}
