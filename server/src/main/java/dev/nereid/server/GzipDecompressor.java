package dev.nereid.server;

import io.grpc.Decompressor;
import java.io.FilterInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.util.zip.GZIPInputStream;
import org.jspecify.annotations.Nullable;

/**
 * Unpacks gzip. gRPC's own reads the header before it hands the message on, where a damaged one is
 * its caller's failure; here that is met with the first byte, as damage further on is.
 */
final class GzipDecompressor implements Decompressor {
  @Override
  public String getMessageEncoding() {
    return "gzip";
  }

  @Override
  public InputStream decompress(InputStream packed) {
    return new Lazy(packed);
  }

  private static final class Lazy extends FilterInputStream {
    private @Nullable InputStream unpacked;

    Lazy(InputStream packed) {
      super(packed);
    }

    private InputStream unpacked() throws IOException {
      InputStream known = unpacked;
      if (known == null) {
        known = new GZIPInputStream(in);
        unpacked = known;
      }
      return known;
    }

    @Override
    public int read() throws IOException {
      return unpacked().read();
    }

    @Override
    public int read(byte[] target, int offset, int length) throws IOException {
      return unpacked().read(target, offset, length);
    }

    @Override
    public long skip(long count) throws IOException {
      return unpacked().skip(count);
    }

    @Override
    public int available() throws IOException {
      return unpacked().available();
    }

    @Override
    public boolean markSupported() {
      return false;
    }
  }
}
