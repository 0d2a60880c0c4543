package dev.nereid.backend.image;

import dev.nereid.core.Failure;
import dev.nereid.core.Fault;
import dev.nereid.core.FaultException;
import dev.nereid.core.InferRequest;
import dev.nereid.core.Lease;
import dev.nereid.image.Letterbox;
import dev.nereid.image.Preprocessor;
import dev.nereid.image.Workspace;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/**
 * One picture on its way into its slot.
 *
 * <p><b>Threading.</b> One thread of the pool runs it, another waits and may give it up: whichever
 * settles the outcome first wins. The leases are closed by the thread that runs it, also when it
 * finds that it was given up.
 */
final class PictureTask implements DecodePool.Task {
  private final Preprocessor preprocessor;
  private final InferRequest request;
  private final ByteBuffer encoded;
  private final ByteBuffer slot;
  private final List<Lease> leases;
  private final CountDownLatch open;
  private final AtomicReference<@Nullable Outcome> outcome = new AtomicReference<>();
  private volatile boolean started;

  private sealed interface Outcome {}

  private record Placed(Letterbox geometry, long decodeNanos) implements Outcome {}

  private record Failed(Failure failure) implements Outcome {}

  /**
   * A task for that picture.
   *
   * @param leases shares in what both buffers lie in; the task's from now on
   * @param open counted down when the task has ended
   */
  PictureTask(
      Preprocessor preprocessor,
      InferRequest request,
      ByteBuffer encoded,
      ByteBuffer slot,
      List<Lease> leases,
      CountDownLatch open) {
    this.preprocessor = preprocessor;
    this.request = request;
    this.encoded = encoded;
    this.slot = slot;
    this.leases = leases;
    this.open = open;
  }

  @Override
  public void run(Workspace workspace) {
    started = true;
    try {
      if (outcome.get() == null) {
        settle(decode(workspace));
      }
    } finally {
      end();
    }
  }

  private Outcome decode(Workspace workspace) {
    if (request.isCancelled()) {
      return new Failed(Fault.CANCELLED.with("the caller withdrew before its picture was decoded"));
    }
    try {
      Letterbox geometry = preprocessor.apply(encoded, slot, workspace);
      return new Placed(geometry, workspace.decodeNanos());
    } catch (FaultException e) {
      return new Failed(e.failure());
    } catch (RuntimeException | Error e) { // nothing may keep the batch waiting
      return new Failed(Fault.INTERNAL.with("image: " + e));
    }
  }

  /** Ends the task in place of running it. */
  void refuse(Failure failure) {
    settle(new Failed(failure));
    end();
  }

  /** Settles it as failed if it has not been settled: the batch waits no longer. */
  void giveUp(int millis) {
    String text = "image: not decoded within " + millis + " ms";
    settle(
        new Failed(
            started
                ? Fault.TOO_LARGE.with(text)
                : Fault.OVERLOADED.with(text + ", others are before it")));
  }

  private void settle(Outcome value) {
    outcome.compareAndSet(null, value);
  }

  private void end() {
    leases.forEach(Lease::close);
    open.countDown();
  }

  /** Why it failed; null when it did not. */
  @Nullable Failure failure() {
    return outcome.get() instanceof Failed(Failure failure) ? failure : null;
  }

  /** Where the picture lies, once it has been decoded. */
  Letterbox geometry() {
    return placed().geometry;
  }

  /** How long decoding took, once it has been decoded. */
  long decodeNanos() {
    return placed().decodeNanos;
  }

  private Placed placed() {
    if (outcome.get() instanceof Placed placed) {
      return placed;
    }
    throw new IllegalStateException("picture: " + outcome.get() + " (expected: decoded)");
  }
}
