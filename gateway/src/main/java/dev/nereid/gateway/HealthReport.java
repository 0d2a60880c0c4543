package dev.nereid.gateway;

import com.sun.management.OperatingSystemMXBean;
import dev.nereid.client.TargetState;
import dev.nereid.client.UpstreamStatus;
import dev.nereid.image.OpenCv;
import dev.nereid.telemetry.GpuMetrics;
import dev.nereid.telemetry.ProcessMetrics;
import java.lang.management.ManagementFactory;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JsonGenerator;

/** The parts of the gateway and what they use, as {@code /health} tells them. */
final class HealthReport {
  private static final int MEGABYTE = 1 << 20;

  /** Looked for once: it takes a while. */
  private static final class Gpu {
    static final boolean PRESENT = GpuMetrics.find().isPresent();
  }

  private HealthReport() {}

  /** Writes {@code components} and {@code performance}. */
  static void write(
      JsonGenerator json,
      Serving.Health health,
      @Nullable UpstreamStatus upstreams,
      GatewayOptions options) {
    json.writeObjectPropertyStart("components");
    component(json, "api", "healthy", "");
    if (upstreams == null) {
      component(json, "engine", health.serving() ? "healthy" : "unhealthy", health.reason());
    } else {
      upstreams(json, upstreams);
    }
    component(json, "gpu", Gpu.PRESENT ? "healthy" : "unavailable", "");
    Runtime runtime = Runtime.getRuntime();
    long left = runtime.maxMemory() - runtime.totalMemory() + runtime.freeMemory();
    boolean room = left > runtime.maxMemory() / 50;
    component(json, "memory", room ? "healthy" : "unhealthy", left / MEGABYTE + " MB of heap left");
    json.writeEndObject();
    json.writeObjectPropertyStart("performance");
    json.writeNumberProperty("memory_mb", Math.round(ProcessMetrics.residentBytes() / MEGABYTE));
    json.writeNumberProperty("cpu_percent", cpuPercent());
    json.writeNumberProperty(
        "max_file_size_mb", options.listener().limits().bodyBytes() / MEGABYTE);
    json.writeObjectPropertyStart("limits");
    InfoEndpoints.limits(json, options);
    json.writeEndObject();
    json.writeObjectPropertyStart("optimizations");
    json.writeBooleanProperty("native_decoder", OpenCv.isLoaded());
    json.writeBooleanProperty("simd", OpenCv.isVectorised());
    json.writeBooleanProperty("shared_grpc_client", upstreams != null);
    json.writeEndObject();
    json.writeEndObject();
  }

  private static void component(JsonGenerator json, String name, String status, String detail) {
    json.writeObjectPropertyStart(name);
    json.writeStringProperty("status", status);
    if (!detail.isEmpty()) {
      json.writeStringProperty("detail", detail);
    }
    json.writeEndObject();
  }

  private static void upstreams(JsonGenerator json, UpstreamStatus upstreams) {
    long live = count(upstreams, TargetState.LIVE);
    boolean any = live + count(upstreams, TargetState.SLOW) > 0;
    json.writeObjectPropertyStart("upstreams");
    json.writeStringProperty(
        "status",
        !any ? "unavailable" : live < upstreams.targets().size() ? "degraded" : "healthy");
    for (UpstreamStatus.Target target : upstreams.targets()) {
      component(json, target.endpoint().toString(), target.state().name(), target.reason());
    }
    json.writeEndObject();
  }

  private static long count(UpstreamStatus upstreams, TargetState state) {
    return upstreams.targets().stream().filter(each -> each.state() == state).count();
  }

  private static double cpuPercent() {
    double load =
        ManagementFactory.getOperatingSystemMXBean() instanceof OperatingSystemMXBean system
            ? system.getProcessCpuLoad()
            : 0;
    return Math.round(Math.max(0, load) * 1000) / 10.0;
  }
}
