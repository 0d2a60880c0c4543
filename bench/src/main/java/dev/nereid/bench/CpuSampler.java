package dev.nereid.bench;

import java.util.ArrayList;
import java.util.List;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/**
 * Reads the server's processor time again and again on a thread of its own, so that a server that
 * answers late delays nothing but itself. {@link #ask} never blocks.
 */
final class CpuSampler {
  private final ServerProbe probe;
  private final LongSupplier completed;
  private final List<Reading> readings = new ArrayList<>(); // guarded by this
  private @Nullable Thread asking; // confined: who calls ask

  private record Reading(double cpuSeconds, long completed) {}

  CpuSampler(ServerProbe probe, LongSupplier completed) {
    this.probe = probe;
    this.completed = completed;
  }

  /** Begins a reading, unless the last one is still under way. */
  void ask() {
    Thread last = asking;
    if (last == null || !last.isAlive()) {
      asking = Thread.ofVirtual().start(this::read);
    }
  }

  private void read() {
    Double cpu = probe.cpuSeconds();
    if (cpu != null) {
      synchronized (this) {
        readings.add(new Reading(cpu, completed.getAsLong()));
      }
    }
  }

  /** Microseconds per request between the last two readings, or null. */
  synchronized @Nullable Double latest() {
    return readings.size() < 2 ? null : perRequest(readings.size() - 1);
  }

  /** Microseconds per request between all readings that follow one another. */
  synchronized List<Double> slices() {
    List<Double> all = new ArrayList<>();
    for (int i = 1; i < readings.size(); i++) {
      Double one = perRequest(i);
      if (one != null) {
        all.add(one);
      }
    }
    return all;
  }

  private @Nullable Double perRequest(int index) {
    Reading to = readings.get(index);
    Reading from = readings.get(index - 1);
    long done = to.completed - from.completed;
    return done <= 0 ? null : (to.cpuSeconds - from.cpuSeconds) * 1e6 / done;
  }
}
