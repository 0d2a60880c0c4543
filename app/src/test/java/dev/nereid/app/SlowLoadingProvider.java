package dev.nereid.app;

import static org.assertj.core.api.Assertions.assertThat;

import dev.nereid.backend.BackendProvider;
import dev.nereid.backend.IdentityProvider;
import dev.nereid.backend.Model;
import dev.nereid.backend.ModelContext;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * The back end {@code slow_loading}: {@code identity} whose models open when the test says so.
 * Found by {@link java.util.ServiceLoader} like any other.
 */
public final class SlowLoadingProvider implements BackendProvider {
  private static final int EVERYBODY = 1_000;
  private static final Semaphore BEGUN = new Semaphore(0);
  private static final Semaphore MAY_END = new Semaphore(0);
  private static final AtomicInteger LOADING = new AtomicInteger();
  private static final Set<Integer> SEEN = ConcurrentHashMap.newKeySet();

  /** Every model waits from now on. */
  static void hold() {
    BEGUN.drainPermits();
    MAY_END.drainPermits();
    SEEN.clear();
  }

  /** Waits until so many more have begun to load. */
  static void awaitBegun(int models) throws InterruptedException {
    assertThat(BEGUN.tryAcquire(models, 20, TimeUnit.SECONDS)).as("loads begun").isTrue();
  }

  /** Lets so many more end. */
  static void let(int models) {
    MAY_END.release(models);
  }

  /** Lets all end that there ever are. */
  static void letAll() {
    let(EVERYBODY);
  }

  /** How many loaded side by side at most. */
  static int atATime() {
    return SEEN.stream().mapToInt(Integer::intValue).max().orElse(0);
  }

  @Override
  public String name() {
    return "slow_loading";
  }

  @Override
  public Model open(ModelContext context) {
    SEEN.add(LOADING.incrementAndGet());
    BEGUN.release();
    MAY_END.acquireUninterruptibly();
    LOADING.decrementAndGet();
    return new IdentityProvider().open(context);
  }
}
