package dev.nereid.telemetry;

import com.sun.management.OperatingSystemMXBean;
import com.sun.management.UnixOperatingSystemMXBean;
import java.io.IOException;
import java.lang.management.GarbageCollectorMXBean;
import java.lang.management.ManagementFactory;
import java.lang.management.MemoryUsage;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/**
 * What this process and its host use. Everything is read when it is scraped; the management beans
 * are loaded at the first scrape, so that they cost nothing at start-up.
 */
public final class ProcessMetrics implements MetricSource {
  private static final Path STATUS = Path.of("/proc/self/status");
  private static final Path MEMINFO = Path.of("/proc/meminfo");

  /** The beans of the running JVM. */
  private static final class Beans {
    static final OperatingSystemMXBean SYSTEM =
        (OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean();
    static final List<GarbageCollectorMXBean> COLLECTORS =
        ManagementFactory.getGarbageCollectorMXBeans();
    static final double STARTED_SECONDS = ManagementFactory.getRuntimeMXBean().getStartTime() / 1e3;
  }

  private final boolean host;

  /**
   * What is told at each scrape.
   *
   * @param host whether the host's processors and memory are told too
   */
  public ProcessMetrics(boolean host) {
    this.host = host;
  }

  @Override
  public void collect(Sink sink) {
    process(sink);
    virtualMachine(sink);
    if (host) {
      host(sink);
    }
  }

  private static void process(Sink sink) {
    sink.sample(Meter.PROCESS_CPU, Beans.SYSTEM.getProcessCpuTime() / 1e9);
    sink.sample(Meter.PROCESS_START, Beans.STARTED_SECONDS);
    if (Beans.SYSTEM instanceof UnixOperatingSystemMXBean unix) {
      sink.sample(Meter.PROCESS_FDS, (double) unix.getOpenFileDescriptorCount());
    }
    sampleIfKnown(sink, Meter.PROCESS_RSS, kilobytes(STATUS, "VmRSS:"));
  }

  private static void host(Sink sink) {
    sink.sample(Meter.CPU_UTILIZATION, Math.max(0, Beans.SYSTEM.getCpuLoad()));
    double total = Beans.SYSTEM.getTotalMemorySize();
    sink.sample(Meter.CPU_MEMORY_TOTAL, total);
    double available = kilobytes(MEMINFO, "MemAvailable:");
    sink.sample(
        Meter.CPU_MEMORY_USED,
        total - (available > 0 ? available : Beans.SYSTEM.getFreeMemorySize()));
  }

  private static void virtualMachine(Sink sink) {
    MemoryUsage heap = ManagementFactory.getMemoryMXBean().getHeapMemoryUsage();
    sink.sample(Meter.JVM_HEAP_USED, (double) heap.getUsed());
    sink.sample(Meter.JVM_HEAP_MAX, (double) heap.getMax());
    sink.sample(Meter.JVM_THREADS, ManagementFactory.getThreadMXBean().getThreadCount());
    sink.sample(
        Meter.JVM_GC_SECONDS,
        Beans.COLLECTORS.stream().mapToLong(GarbageCollectorMXBean::getCollectionTime).sum() / 1e3);
  }

  /** This process's resident memory in bytes; -1 where the system does not tell. */
  public static double residentBytes() {
    return kilobytes(STATUS, "VmRSS:");
  }

  private static void sampleIfKnown(Sink sink, Meter meter, double value) {
    if (value >= 0) {
      sink.sample(meter, value);
    }
  }

  /** The value of a line such as {@code VmRSS: 1234 kB}, in bytes; -1 when there is none. */
  private static double kilobytes(Path file, String key) {
    try {
      for (String line : Files.readAllLines(file)) {
        if (line.startsWith(key)) {
          String digits = line.substring(key.length()).replace("kB", "").strip();
          return Long.parseLong(digits) * 1024.0;
        }
      }
      return -1;
    } catch (IOException | NumberFormatException e) {
      return -1; // not Linux: the number is left out
    }
  }
}
