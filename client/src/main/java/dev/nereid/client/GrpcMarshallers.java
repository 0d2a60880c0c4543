package dev.nereid.client;

import io.grpc.Drainable;
import io.grpc.HasByteBuffer;
import io.grpc.KnownLength;
import io.grpc.MethodDescriptor;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.PooledByteBufAllocator;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;

/** Takes messages to and from the wire as bytes, so that encoding is done once, not per call. */
final class GrpcMarshallers {
  private GrpcMarshallers() {}

  /** Writes an encoded message. */
  static final class Request implements MethodDescriptor.Marshaller<byte[]> {
    @Override
    public InputStream stream(byte[] message) {
      return new Message(message);
    }

    @Override
    public byte[] parse(InputStream stream) {
      throw new UnsupportedOperationException("a client does not read requests");
    }
  }

  /** Reads a message into pooled memory, which belongs to who receives it. */
  static final class Reply implements MethodDescriptor.Marshaller<ByteBuf> {
    @Override
    public InputStream stream(ByteBuf message) {
      throw new UnsupportedOperationException("a client does not write replies");
    }

    @Override
    public ByteBuf parse(InputStream stream) {
      ByteBuf message = null;
      try (stream) {
        int length = stream.available();
        message = PooledByteBufAllocator.DEFAULT.directBuffer(Math.max(1, length));
        if (stream instanceof HasByteBuffer chunks && chunks.byteBufferSupported()) {
          copyChunks(stream, chunks, message);
        } else {
          message.writeBytes(stream, length);
        }
        ByteBuf complete = message;
        message = null;
        return complete;
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      } finally {
        if (message != null) {
          message.release();
        }
      }
    }

    private static void copyChunks(InputStream stream, HasByteBuffer chunks, ByteBuf target)
        throws IOException {
      while (stream.available() > 0) {
        ByteBuffer chunk = chunks.getByteBuffer();
        if (chunk == null) {
          return;
        }
        int length = chunk.remaining();
        target.writeBytes(chunk);
        stream.skipNBytes(length);
      }
    }
  }

  /** A message that knows its length and can write itself in one go. */
  private static final class Message extends ByteArrayInputStream
      implements KnownLength, Drainable {
    Message(byte[] bytes) {
      super(bytes);
    }

    @Override
    public int drainTo(OutputStream target) throws IOException {
      int length = available();
      target.write(buf, pos, length);
      pos = count;
      return length;
    }
  }
}
