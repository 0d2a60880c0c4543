package dev.nereid.server;

import dev.nereid.core.FaultException;
import dev.nereid.core.Lease;
import dev.nereid.core.MemoryPool;
import io.netty.buffer.ByteBuf;
import io.netty.channel.ChannelHandlerContext;
import io.netty.handler.codec.http2.Http2Connection;
import io.netty.handler.codec.http2.Http2ConnectionAdapter;
import io.netty.handler.codec.http2.Http2ConnectionDecoder;
import io.netty.handler.codec.http2.Http2Exception;
import io.netty.handler.codec.http2.Http2FrameListener;
import io.netty.handler.codec.http2.Http2FrameListenerDecorator;
import io.netty.handler.codec.http2.Http2Stream;
import io.netty.util.concurrent.FastThreadLocal;
import java.nio.ByteBuffer;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.LongAdder;
import org.jspecify.annotations.Nullable;

/**
 * Puts the frames of a large gRPC message side by side as they arrive, while the processor has them
 * in its cache, and the buffers that they were read into are used again at once.
 *
 * <p>gRPC keeps frames until their message is whole. It still does, but what it keeps are views of
 * one block, in which the message lies as it is wanted: {@link #whole} hands that block over, and
 * nothing is left to copy. It is the first message of its stream; whatever else there may be is
 * left to gRPC, and copied when it is whole.
 *
 * <p>Thread-safe; what belongs to a connection stays on its event loop.
 */
final class GrpcGathering {
  /** Flag, and length of the message. */
  private static final int PREFIX = 5;

  /** Smaller messages arrive in one or two reads. */
  private static final int LEAST = 64 << 10;

  /** The message, all of it, of the stream that gRPC is being shown a frame of. */
  private static final FastThreadLocal<@Nullable Message> WHOLE = new FastThreadLocal<>();

  private final MemoryPool memory;
  private final int most;
  private final long mostAtOnce;
  private final AtomicLong declared = new AtomicLong();
  private final LongAdder handedOver = new LongAdder();

  /**
   * For one listener.
   *
   * @param most the longest message to be gathered, in bytes: no more than a client may send anyway
   *     before it is read
   * @param mostAtOnce bytes of all messages being gathered
   */
  GrpcGathering(MemoryPool memory, int most, long mostAtOnce) {
    this.memory = memory;
    this.most = most;
    this.mostAtOnce = mostAtOnce;
  }

  /** Begins with a connection, before its first frame. */
  void begin(Http2ConnectionDecoder decoder) {
    decoder.frameListener(new Frames(decoder.connection(), decoder.frameListener()));
  }

  /**
   * The message that gRPC has made whole of the frames of a stream, while it is called with one of
   * them; null when it was not gathered. The caller closes it.
   */
  @Nullable Lease whole(int length) {
    Message message = WHOLE.get();
    Lease whole = message == null || message.length != length ? null : message.handOver();
    if (whole != null) {
      handedOver.increment();
    }
    return whole;
  }

  /** How many messages were handed over. */
  long handedOver() {
    return handedOver.sum();
  }

  /** Bytes that messages have declared which are being gathered. */
  long declared() {
    return declared.get();
  }

  /** A message on its way. */
  private final class Message {
    private final int length;
    private final ByteBuffer room;
    private @Nullable Lease lease;

    Message(int length) {
      this.length = length;
      lease = memory.take(length);
      room = lease.bytes();
    }

    /** Takes bytes that fit in; a view of them where they are now. */
    ByteBuf take(Lease block, ByteBuf data) {
      int begin = room.position();
      int size = data.readableBytes();
      room.limit(begin + size);
      data.readBytes(room);
      return block.buffer(begin, size);
    }

    boolean isWhole() {
      return room.position() == length;
    }

    boolean hasRoom(int bytes) {
      return bytes <= length - room.position();
    }

    @Nullable Lease handOver() {
      Lease handed = lease;
      if (handed != null) {
        lease = null;
        declared.addAndGet(-length);
      }
      return handed;
    }

    void end() {
      Lease left = handOver();
      if (left != null) {
        left.close();
      }
    }
  }

  /** The frames of one connection, on their way to gRPC. */
  private final class Frames extends Http2FrameListenerDecorator {
    private final Http2Connection connection;

    /** Of a stream: the message that is gathered; for those left to gRPC, the key itself. */
    private final Http2Connection.PropertyKey key;

    /** Of these, frames may have passed: where their message begins is not known. */
    private final int lastUnseen;

    /** Streams whose message is gathered; mostly none, and then nothing is looked up. */
    private int gathered;

    Frames(Http2Connection connection, Http2FrameListener grpc) {
      super(grpc);
      this.connection = connection;
      key = connection.newKey();
      lastUnseen = connection.remote().lastStreamCreated();
      connection.addListener(
          new Http2ConnectionAdapter() {
            @Override
            public void onStreamClosed(Http2Stream stream) {
              if (gathered > 0 && stream.removeProperty(key) instanceof Message message) {
                leave(message);
              }
            }
          });
    }

    @Override
    public int onDataRead(
        ChannelHandlerContext context, int streamId, ByteBuf data, int padding, boolean last)
        throws Http2Exception {
      if (last && gathered == 0) {
        return super.onDataRead(context, streamId, data, padding, true);
      }
      Http2Stream stream = connection.stream(streamId);
      Object state = stream == null || streamId <= lastUnseen ? key : stream.getProperty(key);
      if (state == null && !last) {
        Message message = begun(data);
        stream.setProperty(key, message == null ? key : message);
        if (message != null) {
          gathered++;
          ByteBuf prefix = data.readSlice(PREFIX);
          return super.onDataRead(context, streamId, prefix, 0, false)
              + more(context, stream, message, data, padding, false);
        }
      } else if (state instanceof Message message) {
        return more(context, stream, message, data, padding, last);
      }
      return super.onDataRead(context, streamId, data, padding, last);
    }

    private int more(
        ChannelHandlerContext context,
        Http2Stream stream,
        Message message,
        ByteBuf data,
        int padding,
        boolean last)
        throws Http2Exception {
      Lease block = message.lease;
      if (block == null || !message.hasRoom(data.readableBytes())) {
        leave(message); // what comes now is another message, or none
        stream.setProperty(key, key);
        return super.onDataRead(context, stream.id(), data, padding, last);
      }
      ByteBuf there = message.take(block, data);
      if (message.isWhole()) {
        WHOLE.set(message);
      }
      try {
        return super.onDataRead(context, stream.id(), there, padding, last);
      } finally {
        there.release();
        WHOLE.remove();
      }
    }

    private void leave(Message message) {
      gathered--;
      message.end();
    }

    /** The message that begins with this frame; null to leave it to gRPC. */
    private @Nullable Message begun(ByteBuf data) {
      int start = data.readerIndex();
      if (data.readableBytes() <= PREFIX || data.getByte(start) != 0) {
        return null;
      }
      int length = data.getInt(start + 1);
      if (length < LEAST || length > most) {
        return null;
      }
      if (declared.addAndGet(length) <= mostAtOnce) {
        try {
          return new Message(length);
        } catch (FaultException e) {
          // No memory now; there may be when the message is whole.
        }
      }
      declared.addAndGet(-length);
      return null;
    }
  }
}
