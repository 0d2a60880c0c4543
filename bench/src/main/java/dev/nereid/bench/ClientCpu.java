package dev.nereid.bench;

import com.sun.management.OperatingSystemMXBean;
import dev.nereid.client.EventLoops;
import java.lang.management.ManagementFactory;
import java.lang.management.ThreadMXBean;
import java.util.HashMap;
import java.util.Map;

/**
 * A reading of the processor time this process and its event loops have used.
 *
 * @param processNanos of the whole process
 * @param loopNanos of each event loop, by thread id
 */
record ClientCpu(long wallNanos, long processNanos, Map<Long, Long> loopNanos) {

  static ClientCpu now() {
    ThreadMXBean threads = ManagementFactory.getThreadMXBean();
    Map<Long, Long> loops = new HashMap<>();
    for (var thread : threads.getThreadInfo(threads.getAllThreadIds())) {
      if (thread != null && thread.getThreadName().startsWith(EventLoops.THREAD_NAME_PREFIX)) {
        loops.put(thread.getThreadId(), threads.getThreadCpuTime(thread.getThreadId()));
      }
    }
    var process = ManagementFactory.getPlatformMXBean(OperatingSystemMXBean.class);
    return new ClientCpu(System.nanoTime(), process.getProcessCpuTime(), loops);
  }

  /** The share of the time since the earlier reading that the busiest event loop ran. */
  double busiestLoopSince(ClientCpu earlier) {
    long busiest = 0;
    for (var loop : loopNanos.entrySet()) {
      busiest =
          Math.max(busiest, loop.getValue() - earlier.loopNanos.getOrDefault(loop.getKey(), 0L));
    }
    return (double) busiest / Math.max(1, wallNanos - earlier.wallNanos);
  }

  /** The processor time of all event loops since the earlier reading. */
  long loopsSince(ClientCpu earlier) {
    long sum = 0;
    for (var loop : loopNanos.entrySet()) {
      sum += loop.getValue() - earlier.loopNanos.getOrDefault(loop.getKey(), 0L);
    }
    return sum;
  }
}
