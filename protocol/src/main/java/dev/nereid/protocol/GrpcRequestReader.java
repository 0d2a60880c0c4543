package dev.nereid.protocol;

import dev.nereid.core.Lease;
import dev.nereid.core.MemoryPool;
import java.nio.ByteBuffer;

/**
 * Reads the bytes of a ModelInferRequest. Raw tensor contents become views of them, without a copy
 * and without a generated message. Thread-safe.
 *
 * <p><b>Ownership.</b> The body belongs to the reader from the call on, also when the call throws.
 */
public final class GrpcRequestReader {
  private final MemoryPool memory;
  private final NameCache names = new NameCache();

  /** A reader that allocates from this pool. */
  public GrpcRequestReader(MemoryPool memory) {
    this.memory = memory;
  }

  /**
   * Reads one message.
   *
   * @param body nothing but the message
   * @param receivedNanos when its first byte was read
   * @param deadlineNanos when the caller stops waiting; {@link Long#MAX_VALUE} for never
   * @throws dev.nereid.core.FaultException when it is no such message, or contradicts itself
   */
  public InferMessage read(Lease body, long receivedNanos, long deadlineNanos) {
    GrpcRequestParser parser = null;
    try {
      ByteBuffer bytes = body.bytes();
      parser = new GrpcRequestParser(body, new ProtoCursor(bytes, names));
      return parser.parse(memory, receivedNanos, deadlineNanos);
    } catch (RuntimeException e) {
      if (parser != null) {
        parser.leases().forEach(Lease::close);
      }
      body.close();
      throw e;
    }
  }
}
