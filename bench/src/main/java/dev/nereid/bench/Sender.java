package dev.nereid.bench;

import dev.nereid.client.EncodedCall;
import dev.nereid.client.EventLoops;
import dev.nereid.client.HttpCaller;
import dev.nereid.client.ImageClient;
import dev.nereid.client.InFlight;
import dev.nereid.client.InferenceClient;
import dev.nereid.client.Receiver;

/** What a target needs of a client. Thread-safe. */
interface Sender extends AutoCloseable {
  /** See {@link InferenceClient#send}. */
  InFlight send(EncodedCall call, int lane, long timeoutNanos, Receiver receiver);

  @Override
  void close();

  /** Makes one more of the same. */
  @FunctionalInterface
  interface Maker {
    Sender make(EventLoops loops);
  }

  static Sender of(InferenceClient client) {
    return new Of(client::send, client::close);
  }

  static Sender of(ImageClient client) {
    return new Of(client::send, client::close);
  }

  static Sender of(HttpCaller client) {
    return new Of(client::send, client::close);
  }

  /** The sending half of a client. */
  @FunctionalInterface
  interface Sending {
    InFlight send(EncodedCall call, int lane, long timeoutNanos, Receiver receiver);
  }

  /** A client of any kind. */
  record Of(Sending sending, Runnable closing) implements Sender {
    @Override
    public InFlight send(EncodedCall call, int lane, long timeoutNanos, Receiver receiver) {
      return sending.send(call, lane, timeoutNanos, receiver);
    }

    @Override
    public void close() {
      closing.run();
    }
  }
}
