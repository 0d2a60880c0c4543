package dev.nereid.telemetry;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.AddressLayout;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.invoke.MethodHandle;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The {@code nv_gpu_*} numbers of every NVIDIA GPU, asked of the driver's management library (NVML)
 * at each scrape. A number that a GPU does not tell is left out.
 *
 * <p>Functions and structures are those of NVIDIA's NVML API reference.
 */
@SuppressWarnings("restricted") // the library is called as its reference says
public final class GpuMetrics implements MetricSource {
  private static final Logger LOG = LoggerFactory.getLogger(GpuMetrics.class);

  private static final int UUID_BYTES = 96;
  private static final double MILLI = 1e-3;
  private static final double PERCENT = 1e-2;

  private final Map<String, Optional<MethodHandle>> functions = new HashMap<>();
  private final SymbolLookup library;
  private final List<Gpu> gpus = new ArrayList<>();

  /** A device and its name in labels. */
  private record Gpu(MemorySegment handle, String uuid) {}

  private GpuMetrics(SymbolLookup library) {
    this.library = library;
  }

  /** The GPUs of this machine; empty when there is no driver or no GPU. */
  public static Optional<GpuMetrics> find() {
    return find("libnvidia-ml.so.1");
  }

  static Optional<GpuMetrics> find(String libraryName) {
    try {
      GpuMetrics metrics = new GpuMetrics(SymbolLookup.libraryLookup(libraryName, Arena.global()));
      return metrics.open() ? Optional.of(metrics) : Optional.empty();
    } catch (IllegalArgumentException e) {
      return Optional.empty(); // no such library: no driver
    }
  }

  private boolean open() {
    if (call("nvmlInit_v2") != 0) {
      return false;
    }
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment count = arena.allocate(JAVA_INT);
      if (call("nvmlDeviceGetCount_v2", count) != 0) {
        return false;
      }
      for (int i = 0; i < count.get(JAVA_INT, 0); i++) {
        add(i, arena);
      }
    }
    return !gpus.isEmpty();
  }

  private void add(int index, Arena arena) {
    MemorySegment handle = arena.allocate(ADDRESS);
    MemorySegment uuid = arena.allocate(UUID_BYTES);
    if (call("nvmlDeviceGetHandleByIndex_v2", index, handle) == 0) {
      MemorySegment device = handle.get(ADDRESS, 0);
      if (call("nvmlDeviceGetUUID", device, uuid, UUID_BYTES) == 0) {
        gpus.add(new Gpu(device, uuid.getString(0)));
      }
    }
  }

  @Override
  public void collect(Sink sink) {
    try (Arena arena = Arena.ofConfined()) {
      for (Gpu gpu : gpus) {
        collect(gpu, arena, sink);
      }
    }
  }

  private void collect(Gpu gpu, Arena arena, Sink sink) {
    MemorySegment pair = arena.allocate(MemoryLayout.sequenceLayout(2, JAVA_INT));
    if (call("nvmlDeviceGetUtilizationRates", gpu.handle, pair) == 0) {
      sink.sample(Meter.GPU_UTILIZATION, pair.get(JAVA_INT, 0) * PERCENT, gpu.uuid);
    }
    MemorySegment memory = arena.allocate(MemoryLayout.sequenceLayout(3, JAVA_LONG));
    if (call("nvmlDeviceGetMemoryInfo", gpu.handle, memory) == 0) {
      sink.sample(Meter.GPU_MEMORY_TOTAL, (double) memory.getAtIndex(JAVA_LONG, 0), gpu.uuid);
      sink.sample(Meter.GPU_MEMORY_USED, (double) memory.getAtIndex(JAVA_LONG, 2), gpu.uuid);
    }
    if (call("nvmlDeviceGetPowerUsage", gpu.handle, pair) == 0) {
      sink.sample(Meter.GPU_POWER, pair.get(JAVA_INT, 0) * MILLI, gpu.uuid);
    }
    if (call("nvmlDeviceGetEnforcedPowerLimit", gpu.handle, pair) == 0) {
      sink.sample(Meter.GPU_POWER_LIMIT, pair.get(JAVA_INT, 0) * MILLI, gpu.uuid);
    }
    if (call("nvmlDeviceGetTotalEnergyConsumption", gpu.handle, memory) == 0) {
      sink.sample(Meter.GPU_ENERGY, memory.get(JAVA_LONG, 0) * MILLI, gpu.uuid);
    }
  }

  /** Calls a function of the library; 0 is success, and -1 stands for a function it lacks. */
  private int call(String name, Object... arguments) {
    Optional<MethodHandle> function = functions.computeIfAbsent(name, _ -> find(name, arguments));
    if (function.isEmpty()) {
      return -1;
    }
    try {
      return (int) function.get().invokeWithArguments(arguments);
    } catch (Throwable e) { // declared by method handles; the library itself throws nothing
      LOG.warn("{} failed", name, e);
      return -1;
    }
  }

  private Optional<MethodHandle> find(String name, Object... arguments) {
    AddressLayout pointer = ADDRESS;
    MemoryLayout[] layouts = new MemoryLayout[arguments.length];
    for (int i = 0; i < arguments.length; i++) {
      layouts[i] = arguments[i] instanceof Integer ? JAVA_INT : pointer;
    }
    return library
        .find(name)
        .map(
            symbol ->
                Linker.nativeLinker()
                    .downcallHandle(symbol, FunctionDescriptor.of(JAVA_INT, layouts)));
  }
}
