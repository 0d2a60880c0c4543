package dev.nereid.core;

import io.netty.buffer.ByteBuf;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/**
 * One share in a block of off-heap bytes. The block goes back to its {@link MemoryPool} when the
 * last share is closed; until then every view of it is valid.
 *
 * <p><b>Ownership.</b> Whoever holds a lease closes it exactly once, or hands it on; everyone else
 * holds a view ({@link #bytes}, {@link Tensor}) that must not outlive it. To keep bytes longer than
 * their owner, take a share of one's own. Closing twice is harmless, so that a completing and a
 * cancelling thread may both do it; using a closed lease throws.
 *
 * <p><b>Threading.</b> Shares may be taken and closed by any thread. The bytes themselves are not
 * guarded: they are written before the lease is handed on, and only read after.
 */
public final class Lease implements AutoCloseable {
  private static final VarHandle OPEN;

  static {
    try {
      OPEN = MethodHandles.lookup().findVarHandle(Lease.class, "open", boolean.class);
    } catch (ReflectiveOperationException e) {
      throw new ExceptionInInitializerError(e);
    }
  }

  private final ByteBuf block;
  private final MemoryPool pool;
  private final boolean counted;

  @SuppressWarnings("unused") // through OPEN
  private volatile boolean open = true;

  Lease(ByteBuf block, MemoryPool pool, boolean counted) {
    this.block = block;
    this.pool = pool;
    this.counted = counted;
  }

  /** The number of bytes leased. */
  public int size() {
    return block.capacity();
  }

  /** A view of all bytes, direct and little-endian, with a position of its own. */
  public ByteBuffer bytes() {
    return bytes(0, size());
  }

  /** A view of some bytes, direct and little-endian, with a position of its own. */
  public ByteBuffer bytes(int offset, int length) {
    requireOpen();
    return block.nioBuffer(offset, length).order(ByteOrder.LITTLE_ENDIAN);
  }

  /**
   * A buffer over some bytes for a transport to write; it holds a share that ends when the buffer
   * is released.
   */
  public ByteBuf buffer(int offset, int length) {
    requireOpen();
    return block.retainedSlice(offset, length);
  }

  /** Another share in the same block. */
  public Lease share() {
    requireOpen();
    block.retain();
    pool.opened();
    return new Lease(block, pool, true);
  }

  /** Whether both are shares in the same block. */
  @SuppressWarnings("ReferenceEquality") // identity is what is asked
  public boolean sameBlock(Lease other) {
    return block == other.block;
  }

  /** Gives this share back. */
  @Override
  public void close() {
    if ((boolean) OPEN.compareAndSet(this, true, false)) {
      if (counted) {
        pool.closed();
      }
      block.release();
    }
  }

  private void requireOpen() {
    if (!open) {
      throw new IllegalStateException("lease: closed (expected: open)");
    }
  }
}
