package dev.nereid.protocol;

import io.grpc.Drainable;
import io.grpc.KnownLength;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;

/**
 * A message on its way to the wire, as gRPC takes it: it is asked for its length, then written out
 * once, and never read. For one thread.
 */
public abstract class DrainedMessage extends InputStream implements Drainable, KnownLength {
  private boolean drained;

  /** The number of bytes that {@link #writeTo} writes. */
  protected abstract int size();

  /** Writes the message; called once. */
  protected abstract void writeTo(OutputStream target) throws IOException;

  @Override
  public final int drainTo(OutputStream target) throws IOException {
    if (drained) {
      return 0;
    }
    drained = true;
    writeTo(target);
    return size();
  }

  @Override
  public final int available() {
    return drained ? 0 : size();
  }

  @Override
  public final int read() {
    throw new UnsupportedOperationException("messages are drained, not read");
  }

  @Override
  public final int read(byte[] target, int offset, int length) {
    return read();
  }
}
