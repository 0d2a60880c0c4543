package dev.nereid.client;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import java.nio.ByteBuffer;

/**
 * A call in the bytes of one protocol: encoded once, sent any number of times, by any threads at
 * once. Made by {@link InferenceClient#encode} and {@link ImageClient#encode}; its memory is freed
 * with the object.
 */
public final class EncodedCall {
  private final byte[] message;
  private final ByteBuf wire;

  private EncodedCall(byte[] message, ByteBuf wire) {
    this.message = message;
    this.wire = wire;
  }

  /** For a transport that frames and copies messages itself. */
  static EncodedCall ofMessage(byte[] message) {
    return new EncodedCall(message, Unpooled.EMPTY_BUFFER);
  }

  /** For a socket, as it is. */
  static EncodedCall ofWire(byte[] head, ByteBuffer body) {
    ByteBuffer all = ByteBuffer.allocateDirect(Math.addExact(head.length, body.remaining()));
    all.put(head).put(body.duplicate()).flip();
    return new EncodedCall(new byte[0], Unpooled.unreleasableBuffer(Unpooled.wrappedBuffer(all)));
  }

  /** How many bytes one call takes, without the framing of HTTP/2. */
  public int size() {
    return message.length + wire.readableBytes();
  }

  /** A copy of the bytes: the gRPC message, or the whole HTTP/1.1 request. */
  public byte[] toByteArray() {
    if (message.length > 0) {
      return message.clone();
    }
    byte[] copy = new byte[wire.readableBytes()];
    wire.getBytes(wire.readerIndex(), copy);
    return copy;
  }

  byte[] message() {
    return message;
  }

  /** A view to write; releasing it does nothing. */
  ByteBuf wire() {
    return wire.duplicate();
  }
}
