package dev.nereid.bench;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;

/** A {@link TruthServer} in a process of its own. */
final class TruthProcess implements AutoCloseable {
  private final Process process;
  private final HttpClient http = HttpClient.newHttpClient();
  final int httpPort;
  final int grpcPort;

  private TruthProcess(Process process, int httpPort, int grpcPort) {
    this.process = process;
    this.httpPort = httpPort;
    this.grpcPort = grpcPort;
  }

  static TruthProcess start() throws IOException {
    Process process =
        new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-XX:+UseSerialGC",
                "-XX:TieredStopAtLevel=1",
                "-Dsun.net.httpserver.nodelay=true",
                "-Dsun.net.httpserver.maxIdleConnections=2000",
                "-cp",
                System.getProperty("java.class.path"),
                TruthServer.class.getName())
            .redirectError(ProcessBuilder.Redirect.DISCARD)
            .start();
    var lines =
        new BufferedReader(new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8));
    String line = lines.readLine();
    if (line == null) {
      throw new IOException("the server ended before it said its ports");
    }
    String[] ports = line.split(" ", -1);
    return new TruthProcess(process, Integer.parseInt(ports[0]), Integer.parseInt(ports[1]));
  }

  /** Model m behaves so from now on; counts begin at 0. Times are microseconds. */
  void script(String query) throws IOException, InterruptedException {
    script("m", query);
  }

  /** A model behaves so from now on; its counts begin at 0. */
  void script(String model, String query) throws IOException, InterruptedException {
    var _ = get("/script/" + model + "?" + query);
  }

  /** Inferences of model m asked for since {@link #script}. */
  long asked() throws IOException, InterruptedException {
    return asked("m");
  }

  long asked(String model) throws IOException, InterruptedException {
    return Long.parseLong(get("/asked/" + model));
  }

  private String get(String path) throws IOException, InterruptedException {
    URI uri = URI.create("http://127.0.0.1:" + httpPort + path);
    return http.send(HttpRequest.newBuilder(uri).build(), BodyHandlers.ofString()).body();
  }

  @Override
  public void close() {
    http.close();
    process.destroyForcibly();
  }
}
