package dev.nereid.scheduler;

import dev.nereid.core.FaultException;
import dev.nereid.core.InferResponse;
import dev.nereid.core.Lease;
import dev.nereid.core.MemoryPool;
import dev.nereid.core.Tensor;
import dev.nereid.core.Timings;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * An answer that is kept, its tensors side by side in one block of its own. Thread-safe: it may be
 * dropped while it is being shared.
 */
final class CachedResponse {
  /** What an entry takes on the heap, about: objects of key, entry and a tensor or two. */
  static final int OVERHEAD = 512;

  private static final int ALIGNMENT = 8;

  private final long owner;
  private final String model;
  private final long version;
  private final Map<String, Object> parameters;
  private final List<Tensor> outputs;
  private final int weight;
  private final Lease block;
  private final ReentrantLock sharing = new ReentrantLock();
  private boolean dropped; // guarded by sharing

  private CachedResponse(long owner, InferResponse response, List<Tensor> outputs, Lease block) {
    this.owner = owner;
    model = response.model();
    version = response.version();
    parameters = response.parameters();
    this.outputs = outputs;
    this.block = block;
    weight = block.size() + OVERHEAD;
  }

  /** The bytes that a copy of these outputs takes. */
  static long bytes(List<Tensor> outputs) {
    long bytes = 0;
    for (int i = 0; i < outputs.size(); i++) {
      bytes += aligned(outputs.get(i).length());
    }
    return bytes;
  }

  private static long aligned(int length) {
    return (length + ALIGNMENT - 1L) / ALIGNMENT * ALIGNMENT;
  }

  /**
   * Copies a response.
   *
   * @param owner whose entries are dropped together
   * @throws FaultException when there is no memory for it
   */
  static CachedResponse copyOf(long owner, InferResponse response, MemoryPool memory) {
    Lease block = memory.takeToKeep(Math.toIntExact(bytes(response.outputs())));
    List<Tensor> outputs = new ArrayList<>(response.outputs().size());
    int offset = 0;
    for (int i = 0; i < response.outputs().size(); i++) {
      Tensor output = response.outputs().get(i);
      block.bytes(offset, output.length()).put(output.bytes());
      outputs.add(
          new Tensor(output.name(), output.type(), output.shape(), block, offset, output.length()));
      offset += (int) aligned(output.length());
    }
    return new CachedResponse(owner, response, List.copyOf(outputs), block);
  }

  long owner() {
    return owner;
  }

  /** Bytes held, off the heap and on it. */
  int weight() {
    return weight;
  }

  /** The answer to another request, in a share of its own; null when it was dropped meanwhile. */
  @Nullable InferResponse share(String id, Timings timings) {
    Lease share;
    sharing.lock();
    try {
      if (dropped) {
        return null;
      }
      share = block.share();
    } finally {
      sharing.unlock();
    }
    List<Tensor> views = new ArrayList<>(outputs.size());
    for (int i = 0; i < outputs.size(); i++) {
      views.add(outputs.get(i).in(share));
    }
    return new InferResponse(model, version, id, parameters, views, List.of(share), timings);
  }

  /** Gives the memory back; answers that share it stay valid. */
  void drop() {
    sharing.lock();
    try {
      dropped = true;
      block.close();
    } finally {
      sharing.unlock();
    }
  }
}
