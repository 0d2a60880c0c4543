package dev.nereid.app;

import dev.nereid.backend.BackendProvider;
import dev.nereid.backend.Batch;
import dev.nereid.backend.IdentityProvider;
import dev.nereid.backend.Instance;
import dev.nereid.backend.Model;
import dev.nereid.backend.ModelContext;
import dev.nereid.backend.Placement;
import dev.nereid.core.DataType;
import dev.nereid.core.Lease;
import dev.nereid.core.Shape;
import dev.nereid.core.Tensor;
import java.util.concurrent.CountDownLatch;

/**
 * The back end {@code misbehaving}: {@code identity} until a request's parameter {@code mood} asks
 * for something else. Found by {@link java.util.ServiceLoader} like any other.
 */
public final class MisbehavingProvider implements BackendProvider {
  /** What executions that hang wait for; renewed by who lets them go. */
  private static volatile CountDownLatch end = new CountDownLatch(1);

  private static volatile CountDownLatch hanging = new CountDownLatch(1);

  /** Waits until an execution hangs. */
  static void awaitHanging() throws InterruptedException {
    hanging.await();
  }

  /** Lets every execution that hangs go on. */
  static void letGo() {
    CountDownLatch ended = end;
    end = new CountDownLatch(1);
    hanging = new CountDownLatch(1);
    ended.countDown();
  }

  @Override
  public String name() {
    return "misbehaving";
  }

  @Override
  public Model open(ModelContext context) {
    Model well = new IdentityProvider().open(context);
    return new Model() {
      @Override
      public Instance newInstance(Placement placement) {
        Instance instance = well.newInstance(placement);
        return batch -> {
          Object mood = batch.requests().getFirst().call().parameters().get("mood");
          execute(String.valueOf(mood), batch, instance);
        };
      }

      @Override
      public void close() {
        well.close();
      }
    };
  }

  private static void execute(String mood, Batch batch, Instance instance) {
    switch (mood) {
      case "throws" -> throw new IllegalStateException("misbehaving: as asked");
      case "overflows" -> throw new StackOverflowError("misbehaving: as asked");
      case "exhausts" -> throw new OutOfMemoryError("misbehaving: as asked");
      case "lacks" -> throw new NoClassDefFoundError("misbehaving: as asked");
      case "forgets" -> {}
      case "rows" -> answer(batch, Shape.of(batch.size() + 1L, 4));
      case "flat" -> answer(batch, Shape.of(4));
      case "width" -> answer(batch, Shape.of(batch.size(), 3));
      case "hangs" -> {
        hang();
        instance.execute(batch);
      }
      default -> instance.execute(batch);
    }
  }

  /** Whatever anybody wants, cancellation and interrupts too. */
  private static void hang() {
    CountDownLatch ended = end;
    hanging.countDown();
    while (ended.getCount() > 0) {
      try {
        ended.await();
      } catch (InterruptedException _) {
        // it does not care
      }
    }
  }

  private static void answer(Batch batch, Shape shape) {
    int bytes = Math.toIntExact(shape.elementCount() * Float.BYTES);
    Lease lease = batch.memory().take(bytes);
    batch.scatter(new Tensor("y", DataType.FP32, shape, lease, 0, bytes), lease);
  }
}
