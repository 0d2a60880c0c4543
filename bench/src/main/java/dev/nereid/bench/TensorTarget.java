package dev.nereid.bench;

import dev.nereid.client.EncodedCall;
import dev.nereid.client.EventLoops;
import dev.nereid.client.InFlight;
import dev.nereid.client.InferCall;
import dev.nereid.client.InferenceClient;
import dev.nereid.client.Receiver;
import java.util.List;

/** A model behind the v2 protocol. Closes its client and event loops. */
final class TensorTarget implements Target {
  private final InferenceClient client;
  private final EventLoops loops;
  private final List<EncodedCall> calls;

  TensorTarget(InferenceClient client, EventLoops loops, List<InferCall> calls) {
    this.client = client;
    this.loops = loops;
    this.calls = calls.stream().map(client::encode).toList();
  }

  @Override
  public int variants() {
    return calls.size();
  }

  @Override
  public long meanRequestBytes() {
    return calls.stream().mapToLong(EncodedCall::size).sum() / calls.size();
  }

  @Override
  public InFlight send(int variant, int lane, long timeoutNanos, Receiver receiver) {
    return client.send(calls.get(variant), lane, timeoutNanos, receiver);
  }

  @Override
  public ReplyCheck newCheck() {
    return new TensorCheck(client, calls.size());
  }

  @Override
  public int connections() {
    return client.connections();
  }

  @Override
  public void close() {
    client.close();
    loops.close();
  }
}
