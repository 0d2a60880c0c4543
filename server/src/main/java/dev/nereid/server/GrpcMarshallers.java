package dev.nereid.server;

import dev.nereid.core.Fault;
import dev.nereid.core.FaultException;
import dev.nereid.core.Lease;
import dev.nereid.core.MemoryPool;
import dev.nereid.protocol.DrainedMessage;
import dev.nereid.protocol.GrpcFrames;
import dev.nereid.protocol.GrpcResponse;
import io.grpc.KnownLength;
import io.grpc.MethodDescriptor;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;

/** Takes inferences off the wire and puts answers on it, with one copy each way. */
final class GrpcMarshallers {
  /** A packed message does not tell its length and is unpacked on the heap: this far. */
  static final int MOST_UNPACKED = 64 << 20;

  private GrpcMarshallers() {}

  /** Copies the frames of a message side by side off heap, unless they lie so. Thread-safe. */
  static final class Request implements MethodDescriptor.Marshaller<GrpcBody> {
    private final MemoryPool memory;
    private final GrpcAdmission admission;
    private final GrpcGathering gathering;

    Request(MemoryPool memory, GrpcAdmission admission, GrpcGathering gathering) {
      this.memory = memory;
      this.admission = admission;
      this.gathering = gathering;
    }

    @Override
    public InputStream stream(GrpcBody value) {
      throw new UnsupportedOperationException("a server does not write requests");
    }

    @Override
    public GrpcBody parse(InputStream stream) {
      try (stream) {
        if (stream instanceof KnownLength) {
          return known(stream, stream.available());
        }
        byte[] unpacked = stream.readNBytes(MOST_UNPACKED + 1);
        if (unpacked.length > MOST_UNPACKED) {
          return GrpcBody.refused(admission, tooLarge());
        }
        return known(new java.io.ByteArrayInputStream(unpacked), unpacked.length);
      } catch (IOException e) {
        return GrpcBody.refused(admission, damaged(e));
      }
    }

    private static FaultException damaged(IOException cause) {
      return FaultException.of(
          Fault.INVALID_ARGUMENT, "message: damaged, cannot be unpacked: " + cause.getMessage());
    }

    private static FaultException tooLarge() {
      return FaultException.of(
          Fault.TOO_LARGE,
          "packed message: more than "
              + MOST_UNPACKED
              + " bytes unpacked (expected: at most that; larger ones are sent unpacked)");
    }

    private GrpcBody known(InputStream stream, int length) throws IOException {
      FaultException refusal = admission.admit(length);
      if (refusal != null) {
        return GrpcBody.refused(admission, refusal);
      }
      Lease lease = null;
      boolean complete = false;
      try {
        lease = gathering.whole(length);
        if (lease == null) {
          lease = memory.take(length);
          GrpcFrames.copy(stream, length, lease.bytes(), "message");
        }
        complete = true;
        return GrpcBody.of(admission, lease);
      } catch (FaultException e) {
        return GrpcBody.refused(admission, e);
      } finally {
        if (!complete) {
          admission.finished(length);
          if (lease != null) {
            lease.close();
          }
        }
      }
    }
  }

  /** Writes an answer straight from its tensors. Thread-safe. */
  static final class Response implements MethodDescriptor.Marshaller<GrpcResponse> {
    @Override
    public InputStream stream(GrpcResponse response) {
      return new Message(response);
    }

    @Override
    public GrpcResponse parse(InputStream stream) {
      throw new UnsupportedOperationException("a server does not read responses");
    }
  }

  /** An answer as gRPC takes it. */
  private static final class Message extends DrainedMessage {
    private final GrpcResponse response;

    Message(GrpcResponse response) {
      this.response = response;
    }

    @Override
    protected int size() {
      return response.size();
    }

    @Override
    protected void writeTo(OutputStream target) throws IOException {
      response.writeTo(target);
    }
  }
}
