package dev.nereid.bench;

import dev.nereid.client.InFlight;
import dev.nereid.client.Receiver;

/** What a load is aimed at: a server, and the distinct requests to send it. Thread-safe. */
interface Target extends AutoCloseable {
  /** How many distinct requests there are. */
  int variants();

  /** Bytes of one request, averaged over the variants. */
  long meanRequestBytes();

  /**
   * Sends one of them.
   *
   * @param lane the same for one caller
   * @param timeoutNanos 0 for none
   */
  InFlight send(int variant, int lane, long timeoutNanos, Receiver receiver);

  /** Something that can tell right replies from wrong ones, knowing nothing yet. */
  ReplyCheck newCheck();

  /** Connections open now. */
  int connections();

  @Override
  void close();
}
