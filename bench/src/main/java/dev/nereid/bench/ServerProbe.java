package dev.nereid.bench;

import dev.nereid.client.InferenceClient;
import dev.nereid.client.InferenceException;
import dev.nereid.client.ModelStatistics;
import java.io.IOException;
import java.net.HttpURLConnection;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Reads what a server says of itself: its metrics page and its statistics. What it does not say is
 * null or empty, never zero. Blocks for a few seconds at most.
 */
final class ServerProbe implements AutoCloseable {
  private static final int TIMEOUT_MILLIS = 5_000;
  private static final String CPU = "process_cpu_seconds_total";

  private final @Nullable URI metrics;
  private final long pid;
  private final InferenceClient client;

  /**
   * A probe.
   *
   * @param metrics the page's address, or null for none
   * @param pid of the server on this machine, or 0
   * @param client asked for statistics; closed with the probe
   */
  ServerProbe(@Nullable URI metrics, long pid, InferenceClient client) {
    this.metrics = metrics;
    this.pid = pid;
    this.client = client;
  }

  /**
   * What the metrics page tells at one moment.
   *
   * @param cpuSeconds the processor time that the server's process has used, or null
   * @param phases so far; empty where there are none
   */
  record Reading(@Nullable Double cpuSeconds, List<PhaseTimes> phases) {}

  /** Processor time and phases, of one page. */
  Reading read() {
    String page = page();
    Double cpu = pid == 0 ? value(page, CPU) : processSeconds();
    return new Reading(cpu, page == null ? List.of() : PhaseTimes.of(page));
  }

  /** The processor time that the server's process has used, or null. */
  @Nullable Double cpuSeconds() {
    return pid == 0 ? value(CPU) : processSeconds();
  }

  private @Nullable Double processSeconds() {
    return ProcessHandle.of(pid)
        .flatMap(process -> process.info().totalCpuDuration())
        .map(time -> time.toNanos() / 1e9)
        .orElse(null);
  }

  /** A sample without labels, or null. */
  @Nullable Double value(String name) {
    return value(page(), name);
  }

  private static @Nullable Double value(@Nullable String page, String name) {
    if (page == null) {
      return null;
    }
    for (String line : page.lines().toList()) {
      if (line.startsWith(name + " ")) {
        try {
          return Double.valueOf(line.substring(name.length() + 1).strip().split(" ", 2)[0]);
        } catch (NumberFormatException e) {
          return null;
        }
      }
    }
    return null;
  }

  /** What the server counted so far, or nothing where it does not say. */
  List<ModelStatistics> statistics() {
    try {
      return client.statistics("");
    } catch (InferenceException e) {
      return List.of();
    }
  }

  @Override
  public void close() {
    client.close();
  }

  private @Nullable String page() {
    if (metrics == null) {
      return null;
    }
    try {
      var connection = (HttpURLConnection) metrics.toURL().openConnection();
      connection.setConnectTimeout(TIMEOUT_MILLIS);
      connection.setReadTimeout(TIMEOUT_MILLIS);
      try (var body = connection.getInputStream()) {
        return new String(body.readAllBytes(), StandardCharsets.UTF_8);
      }
    } catch (IOException e) {
      return null;
    }
  }
}
