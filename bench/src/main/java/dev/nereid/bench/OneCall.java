package dev.nereid.bench;

import dev.nereid.client.CallFailure;
import dev.nereid.client.InferenceException;
import dev.nereid.client.RawReply;
import dev.nereid.client.Receiver;
import io.netty.buffer.ByteBufUtil;
import io.netty.buffer.Unpooled;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/** One request, waited for. */
final class OneCall implements Receiver {
  private static final long PATIENCE_SECONDS = 120;

  private final CompletableFuture<RawReply> outcome = new CompletableFuture<>();

  private OneCall() {}

  /** A reply and how long it took. The reply is a copy, which needs no release. */
  record Answer(RawReply reply, long nanos) {}

  /**
   * Sends one of the requests and waits for its reply.
   *
   * @throws InferenceException when there is none
   */
  static Answer to(Target target, int variant) {
    OneCall call = new OneCall();
    long start = System.nanoTime();
    var _ = target.send(0, variant, 0, call);
    try {
      RawReply reply = call.outcome.orTimeout(PATIENCE_SECONDS, TimeUnit.SECONDS).join();
      return new Answer(reply, System.nanoTime() - start);
    } catch (CompletionException e) {
      if (e.getCause() instanceof InferenceException failure) {
        throw failure;
      }
      if (e.getCause() instanceof TimeoutException) {
        throw new InferenceException(
            new CallFailure(
                CallFailure.Kind.DEADLINE, "deadline", "no answer in " + PATIENCE_SECONDS + " s"));
      }
      throw e;
    }
  }

  @Override
  public void received(RawReply reply) {
    outcome.complete(
        new RawReply(
            Unpooled.wrappedBuffer(ByteBufUtil.getBytes(reply.body())), reply.jsonLength()));
  }

  @Override
  public void failed(CallFailure failure) {
    outcome.completeExceptionally(new InferenceException(failure));
  }
}
