package dev.nereid.protocol;

import dev.nereid.config.proto.ModelConfig;
import dev.nereid.core.Fault;
import dev.nereid.core.FaultException;
import dev.nereid.core.Lease;
import dev.nereid.core.MemoryPool;
import org.jspecify.annotations.Nullable;

/**
 * Reads v2 infer requests as they come over HTTP: a JSON text, and blobs behind it. Blobs become
 * views of the body, without a copy; numbers in JSON are parsed straight into off-heap memory.
 * Thread-safe.
 *
 * <p><b>Ownership.</b> The body belongs to the reader from the call on, also when the call throws.
 */
public final class JsonRequestReader {
  private final MemoryPool memory;
  private final RequestLimits limits;
  private final NameCache names = new NameCache();
  private final JsonTensorReader tensors;

  /** A reader that allocates from this pool. */
  public JsonRequestReader(MemoryPool memory, RequestLimits limits) {
    this.memory = memory;
    this.limits = limits;
    tensors = new JsonTensorReader(memory, limits.maxInputBytes());
  }

  /**
   * The length of the JSON text that the header {@code Inference-Header-Content-Length} announces;
   * -1 without a header; 0 for a raw request, which {@link #readRaw} takes.
   *
   * @throws FaultException when it is not a number or does not fit the body
   */
  public static int textLength(@Nullable String header, int bodyLength) {
    if (header == null) {
      return -1;
    }
    long length;
    try {
      length = Integer.parseInt(header.strip());
    } catch (NumberFormatException e) {
      throw FaultException.of(
          Fault.INVALID_ARGUMENT,
          "Unable to parse Inference-Header-Content-Length, got: " + header);
    }
    if (length < 0 || length > bodyLength) {
      throw FaultException.of(
          Fault.INVALID_ARGUMENT,
          "inference header size should be in range (0, " + bodyLength + "), got: " + length);
    }
    return (int) length;
  }

  /**
   * Reads a JSON request.
   *
   * @param length of the body, which is the front of the lease
   * @param textLength of the JSON text at the start of the body, or -1 when no header gives it:
   *     then all of the body is JSON
   * @throws FaultException when it is no such request
   */
  public InferMessage read(Arrival arrival, Lease body, int length, int textLength) {
    JsonRequestParser parser = null;
    try {
      int text = textLength < 0 ? length : textLength;
      limits.requireText(text);
      parser = new JsonRequestParser(arrival, body, length, textLength);
      return parser.parse(new JsonCursor(body.bytes(0, text), names), tensors);
    } catch (RuntimeException e) {
      if (parser != null) {
        parser.leases().forEach(Lease::close);
      }
      body.close();
      throw e;
    }
  }

  /**
   * Reads a body that is nothing but the bytes of the model's only input.
   *
   * @param length of the body, which is the front of the lease
   * @param config of the version asked for
   * @throws FaultException when the model or the body's length does not allow it
   */
  public InferMessage readRaw(Arrival arrival, Lease body, int length, ModelConfig config) {
    try {
      limits.requireRawBody(length);
      return RawRequest.read(arrival, new RawRequest.Body(body, length), config, memory);
    } catch (RuntimeException e) {
      body.close();
      throw e;
    }
  }
}
