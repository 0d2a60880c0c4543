package dev.nereid.http;

import dev.nereid.core.Fault;
import dev.nereid.core.FaultException;
import dev.nereid.core.Lease;
import dev.nereid.core.MemoryPool;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.zip.CRC32;
import java.util.zip.DataFormatException;
import java.util.zip.Inflater;

/**
 * Unpacks bodies within limits: a few kilobytes may claim to be gigabytes. Computes: not for event
 * loops, but for small bodies.
 */
public final class Decompression {
  private static final int GZIP_HEADER = 10;
  private static final int GZIP_TRAILER = 8;
  private static final int HAS_CRC = 2;
  private static final int HAS_EXTRA = 4;
  private static final int HAS_NAME = 8;
  private static final int HAS_COMMENT = 16;
  private static final int FIRST_BLOCK = 64 << 10;

  private Decompression() {}

  /**
   * How much a body may become.
   *
   * @param bytes at most
   * @param ratio times its packed size at most, once it is over {@link #FREE_BYTES}
   */
  public record Limits(int bytes, int ratio) {
    /** Up to this size the ratio is not looked at. */
    public static final int FREE_BYTES = 1 << 20;
  }

  /** An unpacked body: the first bytes of a lease, which the holder closes. */
  public record Unpacked(Lease lease, int length) implements AutoCloseable {
    @Override
    public void close() {
      lease.close();
    }
  }

  /**
   * Unpacks a whole body.
   *
   * @param coding GZIP, of one or more members, or DEFLATE, with or without zlib's wrapper
   * @throws FaultException TOO_LARGE over a limit, INVALID_ARGUMENT when the bytes are damaged,
   *     OVERLOADED without memory
   */
  public static Unpacked unpack(
      ContentCoding coding, ByteBuffer packed, Limits limits, MemoryPool memory) {
    ByteBuffer in = packed.slice();
    Sink sink = new Sink(memory, limits, in.remaining());
    try {
      switch (coding) {
        case GZIP -> {
          do {
            skipGzipHeader(in);
            sink.beginMember();
            inflate(in, true, sink);
            skip(in, GZIP_TRAILER);
            sink.endMember(in);
          } while (in.hasRemaining());
        }
        case DEFLATE -> inflate(in, !hasZlibHeader(in), sink);
        case IDENTITY -> throw new IllegalArgumentException("coding: IDENTITY (expected: packed)");
      }
      return sink.take();
    } catch (DataFormatException e) {
      throw FaultException.of(
          Fault.INVALID_ARGUMENT, "body: damaged " + coding.wireName() + ": " + e.getMessage());
    } finally {
      sink.close();
    }
  }

  private static void inflate(ByteBuffer in, boolean bare, Sink sink) throws DataFormatException {
    Inflater inflater = new Inflater(bare);
    try {
      inflater.setInput(in);
      while (!inflater.finished()) {
        int written = inflater.inflate(sink.room());
        if (written == 0 && !inflater.finished()) {
          if (inflater.needsInput() || inflater.needsDictionary()) {
            throw new DataFormatException("ends too early");
          }
        }
      }
    } finally {
      inflater.end();
    }
  }

  private static boolean hasZlibHeader(ByteBuffer in) {
    if (in.remaining() < 2) {
      return true;
    }
    int first = in.get(0) & 0xff;
    return (first & 15) == 8 && (first << 8 | (in.get(1) & 0xff)) % 31 == 0;
  }

  private static void skipGzipHeader(ByteBuffer in) throws DataFormatException {
    int start = in.position();
    skip(in, GZIP_HEADER);
    if (in.get(start) != 0x1f || in.get(start + 1) != (byte) 0x8b || in.get(start + 2) != 8) {
      throw new DataFormatException("no gzip header");
    }
    int flags = in.get(start + 3);
    if ((flags & HAS_EXTRA) != 0) {
      skip(in, 2);
      int at = in.position() - 2;
      skip(in, (in.get(at) & 0xff) | (in.get(at + 1) & 0xff) << 8);
    }
    if ((flags & HAS_NAME) != 0) {
      skipText(in);
    }
    if ((flags & HAS_COMMENT) != 0) {
      skipText(in);
    }
    if ((flags & HAS_CRC) != 0) {
      skip(in, 2);
    }
  }

  private static void skipText(ByteBuffer in) throws DataFormatException {
    byte read;
    do {
      skip(in, 1);
      read = in.get(in.position() - 1);
    } while (read != 0);
  }

  private static void skip(ByteBuffer in, int count) throws DataFormatException {
    if (in.remaining() < count) {
      throw new DataFormatException("ends too early");
    }
    in.position(in.position() + count);
  }

  /** The growing block that unpacked bytes go to. */
  private static final class Sink implements AutoCloseable {
    private final MemoryPool memory;
    private final int most;
    private Lease lease;
    private ByteBuffer room;
    private boolean taken;
    private int memberStart;

    Sink(MemoryPool memory, Limits limits, int packedBytes) {
      this.memory = memory;
      long byRatio = Math.max(Limits.FREE_BYTES, (long) packedBytes * limits.ratio());
      this.most = (int) Math.min(limits.bytes(), byRatio);
      this.lease = memory.take(withSpare(Math.max(FIRST_BLOCK, packedBytes * 4L)));
      this.room = lease.bytes();
    }

    void beginMember() {
      memberStart = room.position();
    }

    /** Holds the member's bytes against the trailer that was just skipped. */
    void endMember(ByteBuffer in) throws DataFormatException {
      CRC32 checksum = new CRC32();
      checksum.update(room.slice(memberStart, room.position() - memberStart));
      ByteBuffer trailer = in.slice(in.position() - GZIP_TRAILER, GZIP_TRAILER);
      trailer.order(ByteOrder.LITTLE_ENDIAN);
      if (trailer.getInt() != (int) checksum.getValue()
          || trailer.getInt() != room.position() - memberStart) {
        throw new DataFormatException("wrong checksum");
      }
    }

    ByteBuffer room() {
      if (!room.hasRemaining()) {
        grow();
      }
      return room;
    }

    Unpacked take() {
      if (room.position() > most) {
        throw tooLarge();
      }
      taken = true;
      return new Unpacked(lease, room.position());
    }

    private void grow() {
      int size = lease.size();
      if (size > most) {
        throw tooLarge();
      }
      Lease wider = memory.take(withSpare(2L * size));
      ByteBuffer view = wider.bytes();
      view.put(room.flip());
      lease.close();
      lease = wider;
      room = view;
    }

    /** One byte over the limit may be written, which tells that there are more. */
    private int withSpare(long bytes) {
      return (int) Math.min(most + 1L, bytes);
    }

    private FaultException tooLarge() {
      return FaultException.of(
          Fault.TOO_LARGE, "body: unpacked (expected: at most " + most + " bytes)");
    }

    @Override
    public void close() {
      if (!taken) {
        lease.close();
      }
    }
  }
}
