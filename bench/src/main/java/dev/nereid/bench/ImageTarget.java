package dev.nereid.bench;

import dev.nereid.client.EncodedCall;
import dev.nereid.client.EventLoops;
import dev.nereid.client.ImageClient;
import dev.nereid.client.ImageForm;
import dev.nereid.client.InFlight;
import dev.nereid.client.Receiver;
import java.util.List;

/** A REST route for pictures. Closes its client and event loops. */
final class ImageTarget implements Target {
  private final ImageClient client;
  private final EventLoops loops;
  private final List<EncodedCall> calls;

  ImageTarget(
      ImageClient client, EventLoops loops, String path, ImageForm form, List<byte[]> images) {
    this.client = client;
    this.loops = loops;
    this.calls = images.stream().map(image -> client.encode(path, form, image)).toList();
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
    return new JsonCheck(calls.size());
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
