package dev.nereid.http;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;
import java.nio.ByteBuffer;
import java.util.zip.CRC32;
import java.util.zip.Deflater;

/** Packs answers. Computes: not for event loops, but for small bodies. */
public final class Compression {
  private static final byte[] GZIP_HEADER = {0x1f, (byte) 0x8b, 8, 0, 0, 0, 0, 0, 0, (byte) 0xff};
  private static final int STEP = 32 << 10;

  private Compression() {}

  /**
   * Packs a body. The parts are released; the result is the caller's to release.
   *
   * @param coding not IDENTITY
   * @param level from 1, fast, to 9, small
   */
  public static ByteBuf pack(ContentCoding coding, int level, ByteBuf... parts) {
    boolean gzip = coding == ContentCoding.GZIP;
    if (!gzip && coding != ContentCoding.DEFLATE) {
      throw new IllegalArgumentException("coding: " + coding + " (expected: GZIP or DEFLATE)");
    }
    ByteBuf packed = ByteBufAllocator.DEFAULT.directBuffer(STEP);
    Deflater deflater = new Deflater(level, gzip);
    try {
      if (gzip) {
        packed.writeBytes(GZIP_HEADER);
      }
      CRC32 checksum = new CRC32();
      for (ByteBuf part : parts) {
        for (ByteBuffer piece : part.nioBuffers()) {
          if (gzip) {
            checksum.update(piece.duplicate());
          }
          deflater.setInput(piece);
          drain(deflater, packed);
        }
      }
      deflater.finish();
      drain(deflater, packed);
      if (gzip) {
        packed.writeIntLE((int) checksum.getValue());
        packed.writeIntLE((int) deflater.getBytesRead());
      }
      return packed;
    } catch (RuntimeException e) {
      packed.release();
      throw e;
    } finally {
      deflater.end();
      for (ByteBuf part : parts) {
        part.release();
      }
    }
  }

  private static void drain(Deflater deflater, ByteBuf target) {
    int written;
    do {
      target.ensureWritable(STEP);
      ByteBuffer room = target.nioBuffer(target.writerIndex(), target.writableBytes());
      written = deflater.deflate(room);
      target.writerIndex(target.writerIndex() + written);
    } while (written > 0);
  }
}
