package dev.nereid.client;

import dev.nereid.core.InferRequest;
import dev.nereid.core.Lease;
import dev.nereid.core.MemoryPool;
import dev.nereid.core.Tensor;
import dev.nereid.protocol.DrainedMessage;
import dev.nereid.protocol.GrpcFrames;
import dev.nereid.protocol.GrpcRequest;
import io.grpc.KnownLength;
import io.grpc.MethodDescriptor;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * A request on its way to the wire, straight from the off-heap bytes it lies in. It has shares of
 * its own in them, so that it may outlive the request by as long as a transport still writes.
 */
final class OutboundMessage implements AutoCloseable {
  private final List<Lease> shares;
  private final GrpcRequest message;
  private final AtomicInteger holders = new AtomicInteger(1);

  /**
   * The message of a request that is open.
   *
   * @param priority as the server counts; 0 for its default
   */
  OutboundMessage(InferRequest request, long priority) {
    List<Tensor> inputs = new ArrayList<>(request.inputs().size());
    shares = new ArrayList<>(request.inputs().size());
    try {
      for (Tensor input : request.inputs()) {
        Lease share = input.lease().share();
        shares.add(share);
        inputs.add(input.in(share));
      }
      message = new GrpcRequest(request.call(), inputs, priority);
    } catch (RuntimeException e) {
      shares.forEach(Lease::close);
      throw e;
    }
  }

  /** The call has ended; what a transport still writes goes nowhere. */
  @Override
  public void close() {
    release();
  }

  private boolean retain() {
    int now = holders.get();
    while (now > 0) {
      if (holders.compareAndSet(now, now + 1)) {
        return true;
      }
      now = holders.get();
    }
    return false;
  }

  private void release() {
    if (holders.decrementAndGet() == 0) {
      shares.forEach(Lease::close);
    }
  }

  private void writeTo(OutputStream target) throws IOException {
    if (retain()) {
      try {
        message.writeTo(target);
      } finally {
        release();
      }
    } else {
      // The stream is dead, and its framing still wants as many bytes as were told.
      byte[] nothing = new byte[Math.min(message.size(), 8 << 10)];
      for (int left = message.size(); left > 0; left -= nothing.length) {
        target.write(nothing, 0, Math.min(left, nothing.length));
      }
    }
  }

  /** Writes messages. */
  static final class Marshaller implements MethodDescriptor.Marshaller<OutboundMessage> {
    @Override
    public InputStream stream(OutboundMessage value) {
      return new Content(value);
    }

    @Override
    public OutboundMessage parse(InputStream stream) {
      throw new UnsupportedOperationException("a client does not read requests");
    }
  }

  private static final class Content extends DrainedMessage {
    private final OutboundMessage message;

    Content(OutboundMessage message) {
      this.message = message;
    }

    @Override
    protected int size() {
      return message.message.size();
    }

    @Override
    protected void writeTo(OutputStream target) throws IOException {
      message.writeTo(target);
    }
  }

  /** Reads replies into leased memory, which belongs to who receives it. Thread-safe. */
  static final class ReplyMarshaller implements MethodDescriptor.Marshaller<Lease> {
    private final MemoryPool memory;

    ReplyMarshaller(MemoryPool memory) {
      this.memory = memory;
    }

    @Override
    public InputStream stream(Lease value) {
      throw new UnsupportedOperationException("a client does not write replies");
    }

    @Override
    public Lease parse(InputStream stream) {
      Lease lease = null;
      try (stream) {
        byte[] unpacked = stream instanceof KnownLength ? null : stream.readAllBytes();
        int length = unpacked == null ? stream.available() : unpacked.length;
        lease = memory.take(length);
        ByteBuffer target = lease.bytes();
        if (unpacked != null) {
          target.put(unpacked);
        } else {
          GrpcFrames.copy(stream, length, target, "reply");
        }
        Lease complete = lease;
        lease = null;
        return complete;
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      } finally {
        if (lease != null) {
          lease.close();
        }
      }
    }
  }
}
