package dev.nereid.http;

import dev.nereid.core.Lease;
import dev.nereid.core.MemoryPool;
import io.netty.buffer.ByteBuf;
import java.nio.ByteBuffer;
import org.jspecify.annotations.Nullable;

/**
 * Gathers the chunks of one body in one block: of exactly the declared length, or of a length that
 * doubles when it is not declared. Confined to the event loop.
 */
final class BodyReader {
  private static final int FIRST_BLOCK = 64 << 10;

  private final MemoryPool memory;
  private final int limit;
  private @Nullable Lease lease;
  private ByteBuffer room = ByteBuffer.allocate(0);
  private int length;

  /**
   * A reader for a body of unknown length.
   *
   * @param limit in bytes
   */
  BodyReader(MemoryPool memory, int limit) {
    this.memory = memory;
    this.limit = limit;
  }

  /** A reader for a body of that length. */
  static BodyReader sized(MemoryPool memory, int length) {
    BodyReader reader = new BodyReader(memory, length);
    reader.grow(length);
    return reader;
  }

  /** Bytes gathered. */
  int length() {
    return length;
  }

  /** Bytes leased. */
  int capacity() {
    return room.capacity();
  }

  /** Whether so many bytes more pass the limit. */
  boolean exceeds(int more) {
    return more > limit - length;
  }

  /** The block's size after so many bytes more. */
  int capacityFor(int more) {
    int needed = length + more;
    if (needed <= room.capacity()) {
      return room.capacity();
    }
    long doubled = Math.max(FIRST_BLOCK, Math.max(needed, 2L * room.capacity()));
    return (int) Math.min(limit, doubled);
  }

  /** Copies a chunk that keeps the limit. */
  void append(ByteBuf chunk) {
    int more = chunk.readableBytes();
    if (more == 0) {
      return;
    }
    int capacity = capacityFor(more);
    if (capacity != room.capacity()) {
      grow(capacity);
    }
    room.limit(length + more);
    chunk.readBytes(room);
    length += more;
  }

  /** Hands the block over; null when nothing came. */
  @Nullable Lease take() {
    Lease taken = lease;
    lease = null;
    return taken;
  }

  /** Gives the block back if nobody took it. */
  void close() {
    Lease held = take();
    if (held != null) {
      held.close();
    }
  }

  private void grow(int capacity) {
    Lease wider = memory.take(capacity);
    ByteBuffer view = wider.bytes();
    if (lease != null) {
      view.put(room.flip());
      lease.close();
    }
    lease = wider;
    room = view;
  }
}
