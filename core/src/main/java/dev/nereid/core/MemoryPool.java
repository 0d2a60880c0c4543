package dev.nereid.core;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.PooledByteBufAllocator;
import io.netty.buffer.UnpooledByteBufAllocator;
import io.netty.buffer.UnpooledDirectByteBuf;
import java.util.Deque;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedDeque;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.LongAdder;

/**
 * Where off-heap bytes come from and go back to. Thread-safe.
 *
 * <p>Small blocks come from Netty's pooled allocator. Big ones, such as the slab of a batch of
 * pictures, would pass through that allocator to the operating system and pay a page fault every
 * four kilobytes on each use; they are kept here between uses instead, by size class, up to {@link
 * Limits#keptBytes}.
 */
public final class MemoryPool implements AutoCloseable {
  /**
   * Blocks of this size and more are kept here. Netty gives a chunk back to the operating system
   * when its last block is released; with blocks of half a megabyte that happens all the time.
   */
  private static final int BIG = 64 << 10;

  /** Classes of big blocks to each doubling of size: at most 25 % of a block lies idle. */
  private static final int CLASSES_PER_DOUBLING = 4;

  private final Limits limits;
  private final PooledByteBufAllocator small = PooledByteBufAllocator.DEFAULT;
  private final Map<Integer, Deque<ByteBuf>> kept = new ConcurrentHashMap<>();
  private final AtomicLong keptBytes = new AtomicLong();
  private final AtomicLong bigBytes = new AtomicLong();
  private final LongAdder openLeases = new LongAdder();
  private final LongAdder refusals = new LongAdder();
  private volatile boolean closed;

  /**
   * How much a pool may hold.
   *
   * @param bigBytes at most leased in big blocks at a time
   * @param keptBytes at most kept for reuse
   */
  public record Limits(long bigBytes, long keptBytes) {
    /** No limit but the JVM's own on direct memory; 512 MiB kept. */
    public static final Limits DEFAULT = new Limits(Long.MAX_VALUE, 512L << 20);

    public Limits {
      if (bigBytes < 0 || keptBytes < 0) {
        throw new IllegalArgumentException(
            "memory limits: " + bigBytes + ", " + keptBytes + " (expected: not negative)");
      }
    }
  }

  /** A pool within these limits. */
  public MemoryPool(Limits limits) {
    this.limits = limits;
  }

  /**
   * Leases a block of exactly that many bytes, whose content is undefined.
   *
   * @throws FaultException with {@link Fault#OVERLOADED} when no memory is to be had
   */
  public Lease take(int bytes) {
    ByteBuf block = block(bytes);
    openLeases.increment();
    return new Lease(block, this, true);
  }

  /**
   * Leases a block as {@link #take} does, to be kept after what it was made for is over, such as an
   * answer in a cache. It is not among the {@link #openLeases}; shares in it are.
   *
   * @throws FaultException with {@link Fault#OVERLOADED} when no memory is to be had
   */
  public Lease takeToKeep(int bytes) {
    return new Lease(block(bytes), this, false);
  }

  private ByteBuf block(int bytes) {
    try {
      return allocate(bytes);
    } catch (OutOfMemoryError e) {
      trim(); // what is missing may be kept here, in blocks of other sizes
    }
    try {
      return allocate(bytes);
    } catch (OutOfMemoryError e) {
      refusals.increment();
      throw new FaultException(
          Fault.OVERLOADED.with("off-heap memory: " + bytes + " bytes asked and not to be had"), e);
    }
  }

  private ByteBuf allocate(int bytes) {
    return bytes >= BIG ? takeBig(bytes) : small.directBuffer(bytes, bytes);
  }

  /** Leases a block that holds these bytes. */
  public Lease copyOf(byte[] bytes) {
    Lease lease = take(bytes.length);
    lease.bytes().put(bytes);
    return lease;
  }

  /** Leases not closed yet, over all threads; without those that are to be kept. */
  public long openLeases() {
    return openLeases.sum();
  }

  /** Bytes leased now. */
  public long usedBytes() {
    return small.pinnedDirectMemory() + bigBytes.get();
  }

  /** Bytes held from the operating system, leased or not. */
  public long heldBytes() {
    return small.metric().usedDirectMemory() + bigBytes.get() + keptBytes.get();
  }

  /** How often a lease was refused. */
  public long refusals() {
    return refusals.sum();
  }

  /** Gives the kept blocks back to the operating system. */
  public void trim() {
    for (Deque<ByteBuf> blocks : kept.values()) {
      for (ByteBuf block = blocks.poll(); block != null; block = blocks.poll()) {
        keptBytes.addAndGet(-block.capacity());
        block.release();
      }
    }
  }

  /** Gives kept blocks back; leases still open stay valid and are freed when they close. */
  @Override
  public void close() {
    closed = true;
    trim();
  }

  void opened() {
    openLeases.increment();
  }

  void closed() {
    openLeases.decrement();
  }

  private ByteBuf takeBig(int bytes) {
    int size = sizeClass(bytes);
    if (bigBytes.addAndGet(size) > limits.bigBytes) {
      bigBytes.addAndGet(-size);
      refusals.increment();
      throw FaultException.of(
          Fault.OVERLOADED,
          "off-heap memory: "
              + bytes
              + " more bytes (expected: at most "
              + limits.bigBytes
              + " in use)");
    }
    Deque<ByteBuf> blocks = kept.get(size);
    ByteBuf base = blocks == null ? null : blocks.poll();
    if (base != null) {
      keptBytes.addAndGet(-size);
    } else {
      try {
        base = UnpooledByteBufAllocator.DEFAULT.directBuffer(size, size);
      } catch (OutOfMemoryError e) {
        bigBytes.addAndGet(-size);
        throw e;
      }
    }
    return new BigBlock(base, bytes);
  }

  private void giveBack(ByteBuf base) {
    int size = base.capacity();
    bigBytes.addAndGet(-size);
    if (closed || keptBytes.addAndGet(size) > limits.keptBytes) {
      if (!closed) {
        keptBytes.addAndGet(-size);
      }
      base.release();
      return;
    }
    kept.computeIfAbsent(size, _ -> new ConcurrentLinkedDeque<>()).push(base);
    if (closed) {
      trim(); // closed meanwhile: its own trimming may have passed before the block was there
    }
  }

  /** The size of the class that holds so many bytes. */
  static int sizeClass(int bytes) {
    int step = Math.max(1, Integer.highestOneBit(bytes) / CLASSES_PER_DOUBLING);
    return (int) Math.min(Integer.MAX_VALUE - 8L, (bytes + (long) step - 1) / step * step);
  }

  /** The leased front of a kept block. */
  private final class BigBlock extends UnpooledDirectByteBuf {
    private final ByteBuf base;

    BigBlock(ByteBuf base, int bytes) {
      super(UnpooledByteBufAllocator.DEFAULT, base.nioBuffer(0, bytes), bytes);
      this.base = base;
    }

    @Override
    protected void deallocate() {
      giveBack(base);
    }
  }
}
