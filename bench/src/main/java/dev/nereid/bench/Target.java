package dev.nereid.bench;

import dev.nereid.client.EventLoops;
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
   * @param share the class of priority and deadline
   * @param lane the same for one caller
   */
  InFlight send(int share, int variant, int lane, Receiver receiver);

  /** Something that can tell right replies from wrong ones, knowing nothing yet. */
  ReplyCheck newCheck();

  /** The threads that send and receive. */
  EventLoops loops();

  @Override
  void close();
}
