package dev.nereid.engine;

import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.locks.ReentrantLock;

/**
 * A lock for each name that somebody holds or waits for. Nobody may take a second one while holding
 * one, so that no two can wait for each other. Thread-safe.
 */
final class NameLocks {
  private final ConcurrentHashMap<String, Counted> locks = new ConcurrentHashMap<>();

  /** A fair lock and how many hold it or wait; the count is guarded by the map. */
  private static final class Counted {
    final ReentrantLock lock = new ReentrantLock(true);
    int users;
  }

  /** Waits for the name's lock; the result gives it back. */
  Held take(String name) {
    Counted counted =
        locks.compute(
            name,
            (_, known) -> {
              Counted here = known == null ? new Counted() : known;
              here.users++;
              return here;
            });
    counted.lock.lock();
    return () -> {
      counted.lock.unlock();
      locks.computeIfPresent(name, (_, known) -> --known.users == 0 ? null : known);
    };
  }

  /** How many names are locked or waited for. */
  int size() {
    return locks.size();
  }

  /** A lock that is held. */
  @FunctionalInterface
  interface Held extends AutoCloseable {
    @Override
    void close();
  }
}
