package dev.nereid.bench;

import dev.nereid.client.EncodedCall;
import dev.nereid.client.EventLoops;
import dev.nereid.client.InFlight;
import dev.nereid.client.Receiver;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;
import java.util.function.IntFunction;

/** Requests encoded beforehand, and who sends them. Closes the sender and the event loops. */
final class EncodedTarget implements Target {
  private final Sender sender;
  private final EventLoops loops;
  private final EncodedCall[][] calls; // by class, by variant
  private final long[] timeoutNanos;
  private final IntFunction<ReplyCheck> checks;

  /**
   * A target.
   *
   * @param encoder makes a class's requests; always as many
   * @param checks makes a check for so many variants
   */
  EncodedTarget(
      Sender sender,
      EventLoops loops,
      Mix mix,
      Function<Mix.Share, List<EncodedCall>> encoder,
      IntFunction<ReplyCheck> checks) {
    this.sender = sender;
    this.loops = loops;
    this.checks = checks;
    List<EncodedCall[]> all = new ArrayList<>();
    for (Mix.Share share : mix.shares()) {
      all.add(encoder.apply(share).toArray(EncodedCall[]::new));
    }
    this.calls = all.toArray(EncodedCall[][]::new);
    this.timeoutNanos =
        mix.shares().stream().mapToLong(share -> share.deadline().toNanos()).toArray();
  }

  @Override
  public int variants() {
    return calls[0].length;
  }

  @Override
  public long meanRequestBytes() {
    long sum = 0;
    for (EncodedCall call : calls[0]) {
      sum += call.size();
    }
    return sum / calls[0].length;
  }

  @Override
  public InFlight send(int share, int variant, int lane, Receiver receiver) {
    return sender.send(calls[share][variant], lane, timeoutNanos[share], receiver);
  }

  @Override
  public ReplyCheck newCheck() {
    return checks.apply(variants());
  }

  @Override
  public EventLoops loops() {
    return loops;
  }

  @Override
  public void close() {
    sender.close();
    loops.close();
  }
}
