package dev.nereid.app;

import dev.nereid.engine.IndexEntry;
import dev.nereid.engine.LoadReport;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Locale;

/** What {@code nereid serve} shows a person: where to connect, what is served, what to try. */
final class Banner {
  private static final int NAME_WIDTH = 10;

  private final ServeOptions options;
  private final Server server;
  private final Installation installation;

  Banner(ServeOptions options, Server server, Installation installation) {
    this.options = options;
    this.server = server;
    this.installation = installation;
  }

  /** The addresses, as soon as they are open. */
  void printAddresses(PrintWriter out) {
    out.printf(
        "%nNereid %s on Java %s, %d cores, %s%n%n",
        installation.version(),
        Runtime.version().feature(),
        Runtime.getRuntime().availableProcessors(),
        server.transport());
    address(out, "v2 HTTP", options.http().endpoint(), server.httpPort(), "");
    address(out, "v2 gRPC", options.grpc().endpoint(), server.grpcPort(), "");
    address(out, "metrics", options.metrics().endpoint(), server.metricsPort(), "/metrics");
    address(out, "pictures", options.gateway().endpoint(), server.gatewayPort(), "/");
    out.flush();
  }

  private static void address(
      PrintWriter out, String name, ServeOptions.Endpoint endpoint, int port, String path) {
    if (port >= 0) {
      String scheme = name.endsWith("gRPC") ? "" : scheme(endpoint);
      String note = scheme.isEmpty() && endpoint.tls() != null ? " (TLS)" : "";
      out.printf("  %-" + NAME_WIDTH + "s%s%n", name, scheme + url(endpoint, port) + path + note);
    }
  }

  /** The models and what became of them, and a line to copy. */
  void printModels(PrintWriter out, LoadReport report, Duration sinceStart) {
    List<IndexEntry> entries = report.entries();
    int width = entries.stream().mapToInt(entry -> entry.model().length()).max().orElse(5);
    String row = "  %-" + Math.max(5, width) + "s  %-7s  %-6s  %s%n";
    out.printf("%n" + row, "model", "version", "state", "");
    for (IndexEntry entry : entries) {
      boolean ready = entry.state() == IndexEntry.State.READY;
      out.printf(
          row,
          entry.model(),
          entry.version() > 0 ? entry.version() : "-",
          ready ? "ready" : "FAILED",
          ready ? entry.summary() : entry.reason());
    }
    int failed = report.failures().size();
    out.printf(
        Locale.ROOT,
        "%n%s after %.1f s%s%n",
        server.engine().isReady() ? "Ready" : "Not ready",
        sinceStart.toMillis() / 1000.0,
        failed == 0 ? "" : ", " + failed + " of " + entries.size() + " models failed");
    String example = example(entries);
    if (!example.isEmpty()) {
      out.printf("Try it:%n%n  %s%n", example);
    }
    out.println();
    out.flush();
  }

  private String example(List<IndexEntry> entries) {
    if (server.gatewayPort() >= 0 && isReady(entries, "detect")) {
      ServeOptions.Endpoint endpoint = options.gateway().endpoint();
      String url = scheme(endpoint) + url(endpoint, server.gatewayPort());
      return "curl -F image=@" + sample() + " " + url + "/detect";
    }
    if (server.httpPort() < 0) {
      return "";
    }
    String url =
        scheme(options.http().endpoint()) + url(options.http().endpoint(), server.httpPort());
    for (IndexEntry entry : entries) {
      if (entry.state() == IndexEntry.State.READY) {
        return "curl " + url + "/v2/models/" + entry.model();
      }
    }
    return "curl -i " + url + "/v2/health/ready";
  }

  private static boolean isReady(List<IndexEntry> entries, String model) {
    return entries.stream()
        .anyMatch(entry -> entry.model().equals(model) && entry.state() == IndexEntry.State.READY);
  }

  /** A picture, by the shortest path from where the user is. */
  private String sample() {
    Path sample = installation.home().resolve("samples").resolve("scene.jpg");
    if (!Files.exists(sample)) {
      return "PICTURE.jpg";
    }
    Path here = Path.of("").toAbsolutePath();
    return sample.startsWith(here) ? here.relativize(sample).toString() : sample.toString();
  }

  private static String scheme(ServeOptions.Endpoint endpoint) {
    return endpoint.tls() == null ? "http://" : "https://";
  }

  /** How this machine reaches an address; one that means every interface is its own. */
  private static String url(ServeOptions.Endpoint endpoint, int port) {
    String host = endpoint.address();
    boolean everywhere = host.equals("0.0.0.0") || host.equals("::");
    return (everywhere ? "localhost" : host) + ":" + port;
  }
}
