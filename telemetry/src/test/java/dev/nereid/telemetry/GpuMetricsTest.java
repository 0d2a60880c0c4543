package dev.nereid.telemetry;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** GPU numbers through a library of the driver's form, compiled here; no GPU is needed. */
final class GpuMetricsTest {
  private static final String LIBRARY =
      """
      #include <string.h>
      typedef struct { unsigned gpu, memory; } util;
      typedef struct { unsigned long long total, free, used; } mem;
      int nvmlInit_v2(void) { return 0; }
      int nvmlDeviceGetCount_v2(unsigned *n) { *n = 2; return 0; }
      int nvmlDeviceGetHandleByIndex_v2(unsigned i, void **d) { *d = (void*)(long)(i + 1); return 0; }
      int nvmlDeviceGetUUID(void *d, char *s, unsigned n) { strcpy(s, d == (void*)1 ? "GPU-a" : "GPU-b"); return 0; }
      int nvmlDeviceGetUtilizationRates(void *d, util *u) { u->gpu = 25; return 0; }
      int nvmlDeviceGetMemoryInfo(void *d, mem *m) { m->total = 100; m->used = 40; return 0; }
      int nvmlDeviceGetPowerUsage(void *d, unsigned *p) { *p = 1500; return d == (void*)1 ? 0 : 3; }
      int nvmlDeviceGetEnforcedPowerLimit(void *d, unsigned *p) { *p = 300000; return 0; }
      int nvmlDeviceGetTotalEnergyConsumption(void *d, unsigned long long *e) { *e = 5000; return 0; }
      """;

  @TempDir Path folder;

  @Test
  void aMachineWithoutADriverTellsNothing() {
    assertThat(GpuMetrics.find("libno-such-driver.so")).isEmpty();
  }

  @Test
  void everyGpuTellsWhatItKnows() throws Exception {
    Path library = folder.resolve("libfake-nvml.so");
    assumeTrue(compile(library), "a C compiler is needed");
    Metrics metrics = new Metrics();
    metrics.register(GpuMetrics.find(library.toString()).orElseThrow());
    assertThat(metrics.scrape())
        .contains("nv_gpu_utilization{gpu_uuid=\"GPU-a\"} 0.25\n")
        .contains("nv_gpu_memory_used_bytes{gpu_uuid=\"GPU-b\"} 40\n")
        .contains("nv_gpu_power_usage{gpu_uuid=\"GPU-a\"} 1.5\n")
        .doesNotContain("nv_gpu_power_usage{gpu_uuid=\"GPU-b\"}")
        .contains("nv_energy_consumption{gpu_uuid=\"GPU-a\"} 5\n");
  }

  private boolean compile(Path library) throws IOException, InterruptedException {
    Path source = Files.writeString(folder.resolve("nvml.c"), LIBRARY);
    try {
      return new ProcessBuilder(
                  "gcc", "-shared", "-fPIC", "-o", library.toString(), source.toString())
              .inheritIO()
              .start()
              .waitFor()
          == 0;
    } catch (IOException e) {
      return false;
    }
  }
}
