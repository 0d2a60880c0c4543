package dev.nereid.server;

import io.grpc.Compressor;
import java.io.IOException;
import java.io.OutputStream;
import java.util.zip.GZIPOutputStream;

/**
 * Packs gRPC messages with gzip as hard as was asked. Thread-safe.
 *
 * @param level from 1, fast, to 9, small
 */
record GzipCompressor(int level) implements Compressor {
  @Override
  public String getMessageEncoding() {
    return "gzip";
  }

  @Override
  public OutputStream compress(OutputStream target) throws IOException {
    return new Leveled(target, level);
  }

  private static final class Leveled extends GZIPOutputStream {
    Leveled(OutputStream target, int level) throws IOException {
      super(target);
      def.setLevel(level);
    }
  }
}
