package dev.nereid.app;

import static org.assertj.core.api.Assertions.assertThat;

import dev.nereid.server.LogSettings;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.logging.Level;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import picocli.CommandLine;

final class LogsTest {
  private static final Logger LOG = LoggerFactory.getLogger("dev.nereid.sea.Tide");
  private static final Logger OTHER = LoggerFactory.getLogger("org.other.Thing");

  @TempDir Path folder;

  @AfterEach
  void restore() throws IOException {
    Logs.configure(ServeOptions.Logging.DEFAULT);
  }

  private Path file() {
    return folder.resolve("server.log");
  }

  private Logs configure(Map<String, Level> levels) throws IOException {
    return Logs.configure(
        new ServeOptions.Logging(0, true, true, true, LogFormat.DEFAULT, levels, file()));
  }

  private List<String> written() throws IOException {
    return Files.readAllLines(file()).stream()
        .map(line -> line.charAt(0) + " " + line.replaceFirst(".*] ", ""))
        .toList();
  }

  private static void sayEverything(String text) {
    LOG.trace(text);
    LOG.debug(text);
    LOG.info(text);
    LOG.warn(text);
    LOG.error(text);
  }

  @Test
  void whatIsLoggedFollowsTheSettings() throws IOException {
    Logs logs = configure(Map.of());
    sayEverything("1");
    logs.update(known -> new LogSettings(known.file(), false, true, false, 0, "default"));
    sayEverything("2");
    logs.update(known -> new LogSettings(known.file(), false, false, false, 1, "default"));
    sayEverything("3");
    logs.update(known -> new LogSettings(known.file(), true, true, true, 9, "default"));
    sayEverything("4");
    assertThat(written())
        .containsExactly(
            "I \"1\"", "W \"1\"", "E \"1\"", "W \"2\"", "I \"3\"", "I \"4\"", "I \"4\"", "I \"4\"",
            "W \"4\"", "E \"4\"");
  }

  @Test
  void theFormChangesWithTheSettings() throws IOException {
    Logs logs = configure(Map.of());
    for (String format : LogSettings.FORMATS) {
      logs.update(known -> new LogSettings(known.file(), true, true, true, 0, format));
      LOG.info(format);
    }
    List<String> lines = Files.readAllLines(file());
    assertThat(lines.get(0)).matches("I\\d{4} .* sea.Tide] \"default\"");
    assertThat(lines.get(1)).matches("\\d{4}-\\d\\d-\\d\\dT.*Z I \\d+ sea.Tide] \"ISO8601\"");
    assertThat(lines.get(2)).startsWith("{\"time\":").endsWith("\"message\":\"json\"}");
  }

  @Test
  void packagesMayHaveLevelsOfTheirOwn() throws IOException {
    configure(Map.of("dev.nereid.sea", Level.SEVERE, "org.other", Level.FINE));
    LOG.warn("hidden");
    LOG.error("shown");
    OTHER.debug("detail");
    assertThat(written()).containsExactly("E \"shown\"", "I \"detail\"");
  }

  @Test
  void whatWeTellOurselvesIsNotRepeatedByALibraryUnlessAsked() throws IOException {
    Logger redis = LoggerFactory.getLogger("io.lettuce.core.protocol.ConnectionWatchdog");
    configure(Map.of());
    redis.warn("gone");
    redis.error("broken");
    configure(Map.of("io.lettuce", Level.INFO));
    redis.warn("asked for");
    assertThat(written()).containsExactly("E \"broken\"", "W \"asked for\"");
  }

  @Test
  void theExtensionChangesWhatTheServerLogs() throws Exception {
    Logs logs = configure(Map.of());
    ServeFlags flags = new ServeFlags();
    new CommandLine(flags)
        .parseArgs(
            "--model-repository=" + folder,
            "--http-port=0",
            "--allow-grpc=false",
            "--allow-metrics=false",
            "--allow-gateway=false");
    Installation installation = new Installation(folder, null, "1");
    try (Server server = Server.start(flags.options(installation), installation, logs);
        HttpClient client = HttpClient.newHttpClient()) {
      HttpRequest off =
          HttpRequest.newBuilder(
                  URI.create("http://127.0.0.1:" + server.httpPort() + "/v2/logging"))
              .POST(BodyPublishers.ofString("{\"log_warning\":false}"))
              .build();
      assertThat(client.send(off, BodyHandlers.ofString()).body())
          .contains("\"log_warning\":false", "\"log_file\":\"" + file() + "\"");
      LOG.warn("not told");
      LOG.error("told");
      assertThat(written()).contains("E \"told\"").doesNotContain("W \"not told\"");
    }
  }
}
