package dev.nereid.bench;

import dev.nereid.client.CallFailure;
import dev.nereid.client.EncodedCall;
import dev.nereid.client.EventLoops;
import dev.nereid.client.InFlight;
import dev.nereid.client.RawReply;
import dev.nereid.client.Receiver;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;

/** A client of its own for every call, as careless programs do it: each call opens a connection. */
final class PerCallSender implements Sender {
  private final Sender.Maker maker;
  private final EventLoops loops;
  private final ExecutorService closers = Executors.newVirtualThreadPerTaskExecutor();

  PerCallSender(Sender.Maker maker, EventLoops loops) {
    this.maker = maker;
    this.loops = loops;
  }

  @Override
  public InFlight send(EncodedCall call, int lane, long timeoutNanos, Receiver receiver) {
    Sender own = maker.make(loops);
    return own.send(
        call,
        0,
        timeoutNanos,
        new Receiver() {
          @Override
          public void received(RawReply reply) {
            closers.execute(own::close);
            receiver.received(reply);
          }

          @Override
          public void failed(CallFailure failure) {
            closers.execute(own::close);
            receiver.failed(failure);
          }
        });
  }

  @Override
  public void close() {
    closers.close();
  }
}
