package dev.nereid.gateway;

import dev.nereid.core.DataType;
import dev.nereid.core.InferRequest;
import dev.nereid.core.InferResponse;
import dev.nereid.core.Lease;
import dev.nereid.core.MemoryPool;
import dev.nereid.core.RequestedOutput;
import dev.nereid.core.Shape;
import dev.nereid.core.Tensor;
import dev.nereid.core.Timings;
import java.nio.BufferUnderflowException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * A result as bytes, for the memory of this process and for one that others share. What is read may
 * have been written by anybody: it is checked, and what is no result is none.
 */
final class KeptResult {
  /** Tells results of this form from others. */
  private static final int FORM = 0x4e523031;

  private static final int MOST_OUTPUTS = 64;
  private static final int DEEPEST = 16;

  private KeptResult() {}

  /** A result in a form that {@link #read} understands. */
  static byte[] write(InferResponse response) {
    int size = 4 * Integer.BYTES + Long.BYTES + 3 * response.model().length();
    for (Tensor output : response.outputs()) {
      size += 5 * Integer.BYTES + 3 * (output.name().length() + output.type().name().length());
      size += output.shape().rank() * Long.BYTES + output.length();
    }
    ByteBuffer target = ByteBuffer.allocate(size).order(ByteOrder.LITTLE_ENDIAN);
    target.putInt(FORM);
    put(target, response.model());
    target.putLong(response.version());
    target.putInt(response.outputs().size());
    for (Tensor output : response.outputs()) {
      put(target, output.name());
      put(target, output.type().name());
      target.putInt(output.shape().rank());
      for (int d = 0; d < output.shape().rank(); d++) {
        target.putLong(output.shape().dim(d));
      }
      target.putInt(output.length());
      target.put(output.bytes());
    }
    byte[] bytes = new byte[target.position()];
    target.flip().get(bytes);
    return bytes;
  }

  /**
   * The result in these bytes, in memory of its own; null when they hold none that answers.
   *
   * @param call of the request that it answers
   * @param source what it says of where it comes from
   * @throws dev.nereid.core.FaultException when there is no memory for it
   */
  static @Nullable InferResponse read(
      byte[] bytes, InferRequest.Call call, ResultSource source, MemoryPool memory) {
    Lease block = memory.take(bytes.length);
    InferResponse response = null;
    try {
      block.bytes().put(bytes);
      ByteBuffer from = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
      response = read(from, call, source, block);
    } catch (BufferUnderflowException | IllegalArgumentException | ArithmeticException _) {
      return null;
    } finally {
      if (response == null) {
        block.close();
      }
    }
    return response;
  }

  private static @Nullable InferResponse read(
      ByteBuffer from, InferRequest.Call call, ResultSource source, Lease block) {
    if (from.getInt() != FORM) {
      return null;
    }
    String model = text(from);
    long version = from.getLong();
    int count = from.getInt();
    if (count < 0 || count > MOST_OUTPUTS) {
      return null;
    }
    List<Tensor> outputs = new ArrayList<>(count);
    for (int i = 0; i < count; i++) {
      outputs.add(output(from, block));
    }
    for (RequestedOutput wanted : call.outputs()) {
      if (outputs.stream().noneMatch(output -> output.name().equals(wanted.name()))) {
        return null;
      }
    }
    return new InferResponse(
        model, version, call.id(), source.mark(Map.of()), outputs, List.of(block), Timings.NONE);
  }

  private static Tensor output(ByteBuffer from, Lease block) {
    String name = text(from);
    DataType type = DataType.valueOf(text(from));
    int rank = from.getInt();
    if (rank < 0 || rank > DEEPEST) {
      throw new IllegalArgumentException("output: damaged");
    }
    long[] dims = new long[rank];
    for (int d = 0; d < rank; d++) {
      dims[d] = from.getLong();
    }
    int length = from.getInt();
    int offset = from.position();
    if (length < 0 || length > from.remaining()) {
      throw new BufferUnderflowException();
    }
    from.position(offset + length);
    return new Tensor(name, type, Shape.of(dims), block, offset, length);
  }

  private static void put(ByteBuffer target, String text) {
    byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
    target.putInt(bytes.length).put(bytes);
  }

  private static String text(ByteBuffer from) {
    int length = from.getInt();
    if (length < 0 || length > from.remaining()) {
      throw new BufferUnderflowException();
    }
    byte[] bytes = new byte[length];
    from.get(bytes);
    return new String(bytes, StandardCharsets.UTF_8);
  }

  /** The same response, which says where it comes from. */
  static InferResponse marked(InferResponse response, ResultSource source) {
    return new InferResponse(
        response.model(),
        response.version(),
        response.id(),
        source.mark(new HashMap<>(response.parameters())),
        response.outputs(),
        response.leases(),
        response.timings());
  }
}
