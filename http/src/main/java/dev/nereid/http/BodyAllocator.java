package dev.nereid.http;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;
import io.netty.channel.AdaptiveRecvByteBufAllocator;
import io.netty.channel.RecvByteBufAllocator;
import io.netty.util.UncheckedBooleanSupplier;
import org.jspecify.annotations.Nullable;

/**
 * Chooses where the next bytes of one connection are read to: while the rest of a big body is
 * awaited, straight into the body's own block, so that the system's copy is the only one; else into
 * a buffer for the decoder. Confined to the event loop.
 */
final class BodyAllocator implements RecvByteBufAllocator {
  private final RecvByteBufAllocator usual = new AdaptiveRecvByteBufAllocator();
  private final RequestReader reader;
  private @Nullable ByteBuf given;

  BodyAllocator(RequestReader reader) {
    this.reader = reader;
  }

  /** Whether a message is bytes of a body that lie in their place already. */
  @SuppressWarnings("ReferenceEquality") // identity is what is asked
  boolean isInPlace(Object message) {
    return message == given;
  }

  @Override
  @SuppressWarnings("deprecation") // the interface asks for it
  public Handle newHandle() {
    return new BodyHandle((ExtendedHandle) usual.newHandle());
  }

  private final class BodyHandle extends DelegatingHandle implements ExtendedHandle {
    private final ExtendedHandle extended;

    BodyHandle(ExtendedHandle delegate) {
      super(delegate);
      extended = delegate;
    }

    @Override
    public ByteBuf allocate(ByteBufAllocator allocator) {
      given = reader.roomInPlace();
      return given == null ? super.allocate(allocator) : given;
    }

    @Override
    public boolean continueReading(UncheckedBooleanSupplier maybeMore) {
      return extended.continueReading(maybeMore);
    }
  }
}
