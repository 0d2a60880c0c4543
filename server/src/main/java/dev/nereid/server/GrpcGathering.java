package dev.nereid.server;

import dev.nereid.core.FaultException;
import dev.nereid.core.Lease;
import dev.nereid.core.MemoryPool;
import io.grpc.HasByteBuffer;
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
import java.io.InputStream;
import java.lang.foreign.MemorySegment;
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
 * nothing is left to copy. The bytes that gRPC sees are the same in any case, so that a message
 * that is not gathered, or wrongly taken for one, is merely copied later.
 *
 * <p>Thread-safe; what belongs to a connection stays on its event loop.
 */
final class GrpcGathering {
  /** Flag, and length of the message. */
  private static final int PREFIX = 5;

  /** Smaller messages arrive in one or two reads. */
  private static final int LEAST = 64 << 10;

  /** What has become whole with the frame that gRPC is being shown. */
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
   * The message that has just become whole on this thread, if it is the one in gRPC's stream; null
   * otherwise. The caller closes it.
   */
  @Nullable Lease whole(InputStream stream, int length) {
    Message message = WHOLE.get();
    if (message == null
        || !(stream instanceof HasByteBuffer frames && frames.byteBufferSupported())
        || !message.is(frames.getByteBuffer(), length)) {
      return null;
    }
    handedOver.increment();
    return message.lease.share();
  }

  /** How many messages were handed over. */
  long handedOver() {
    return handedOver.sum();
  }

  /** Bytes that messages have declared which are being gathered. */
  long declared() {
    return declared.get();
  }

  /** A message on its way, or one that is left to gRPC. */
  private final class Message {
    final Lease lease;
    private final int length;
    private final ByteBuffer room;

    Message(int length) {
      lease = memory.take(length);
      this.length = length;
      room = lease.bytes();
    }

    /** Whether these bytes are the message, by where the first of them are. */
    boolean is(@Nullable ByteBuffer first, int bytes) {
      return bytes == length
          && first != null
          && first.isDirect()
          && MemorySegment.ofBuffer(first).address()
              == MemorySegment.ofBuffer(lease.bytes()).address();
    }

    /** Takes bytes that fit in; a view of them where they are now. */
    ByteBuf take(ByteBuf data) {
      int begin = room.position();
      int size = data.readableBytes();
      room.limit(begin + size);
      data.readBytes(room);
      return lease.buffer(begin, size);
    }

    int missing() {
      return length - room.position();
    }

    void end() {
      declared.addAndGet(-length);
      lease.close();
    }
  }

  /** The frames of one connection, on their way to gRPC. */
  private final class Frames extends Http2FrameListenerDecorator {
    private final Http2Connection connection;

    /** Of a stream: the message that is gathered; for those left to gRPC, the key itself. */
    private final Http2Connection.PropertyKey key;

    Frames(Http2Connection connection, Http2FrameListener grpc) {
      super(grpc);
      this.connection = connection;
      key = connection.newKey();
      connection.addListener(
          new Http2ConnectionAdapter() {
            @Override
            public void onStreamClosed(Http2Stream stream) {
              if (stream.removeProperty(key) instanceof Message message) {
                message.end();
              }
            }
          });
    }

    @Override
    public int onDataRead(
        ChannelHandlerContext context, int streamId, ByteBuf data, int padding, boolean last)
        throws Http2Exception {
      Http2Stream stream = connection.stream(streamId);
      Object state = stream == null ? key : stream.getProperty(key);
      if (state == null && !last) {
        Message message = begun(data);
        stream.setProperty(key, message == null ? key : message);
        if (message != null) {
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
      if (data.readableBytes() > message.missing()) { // another message, or what is none
        stream.setProperty(key, key);
        message.end();
        return super.onDataRead(context, stream.id(), data, padding, last);
      }
      ByteBuf there = message.take(data);
      boolean whole = message.missing() == 0;
      if (whole) {
        stream.removeProperty(key);
        WHOLE.set(message);
      }
      try {
        return super.onDataRead(context, stream.id(), there, padding, last);
      } finally {
        there.release();
        if (whole) {
          WHOLE.remove();
          message.end();
        }
      }
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
