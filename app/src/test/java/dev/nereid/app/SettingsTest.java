package dev.nereid.app;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine;

/** Where options may stand, and which one wins. */
final class SettingsTest {
  @TempDir Path folder;

  private final CommandLine line =
      Nereid.commandLine(new Installation(Path.of("/opt/nereid"), null, "1.2.3"));
  private Path file;

  @BeforeEach
  void aFile() {
    file = folder.resolve("nereid.yaml");
  }

  private List<String> expand(Map<String, String> environment, String... words) {
    CommandLine command = line.getSubcommands().get(words[0]);
    return List.of(Settings.expand(command, words, environment));
  }

  private List<String> withFile(String text, Map<String, String> environment, String... words)
      throws IOException {
    Files.writeString(file, text);
    List<String> typed = new java.util.ArrayList<>(List.of("serve", "--config", file.toString()));
    typed.addAll(List.of(words));
    List<String> expanded = expand(environment, typed.toArray(String[]::new));
    assertThat(expanded.subList(expanded.size() - words.length, expanded.size()))
        .containsExactly(words);
    return expanded.subList(1, expanded.size() - words.length - 2);
  }

  private void refused(String text, String problem) {
    assertThatThrownBy(() -> withFile(text, Map.of()))
        .isInstanceOf(Mishap.class)
        .hasMessage(file + problem);
  }

  @Test
  void fileAndEnvironmentSayWhatTheCommandLineSays() throws IOException {
    String text =
        """
        # where the models are
        model-repository: [/models, /more models]
        http-port: 9000
        strict-readiness: off
        pinned-memory-pool-byte-size: 1024
        """;
    assertThat(withFile(text, Map.of("NEREID_GRPC_PORT", "9001", "HOME", "/root")))
        .containsExactly(
            "--model-repository=/models",
            "--model-repository=/more models",
            "--http-port=9000",
            "--strict-readiness=off",
            "--pinned-memory-pool-byte-size=1024",
            "--grpc-port=9001");
  }

  @Test
  void theCommandLineWinsOverTheEnvironmentAndThatOverTheFile() throws IOException {
    String text = "http-port: 1\ngrpc-port: 2\nmetrics-port: 3\nmodel-repository: [/a, /b]\n";
    Map<String, String> environment =
        Map.of(
            "NEREID_GRPC_PORT",
            "20",
            "NEREID_METRICS_PORT",
            "30",
            "NEREID_MODEL_REPOSITORY",
            "/c,/d");
    assertThat(withFile(text, environment, "--metrics-port=300"))
        .containsExactly(
            "--http-port=1", "--grpc-port=20", "--model-repository=/c", "--model-repository=/d");
    assertThat(withFile(text, Map.of(), "--model-store", "/e", "--http-port", "10"))
        .containsExactly("--grpc-port=2", "--metrics-port=3");
  }

  @Test
  void theEnvironmentMayNameTheFile() throws IOException {
    Files.writeString(file, "http-port: 7\n");
    assertThat(expand(Map.of("NEREID_CONFIG", file.toString()), "serve"))
        .containsExactly("serve", "--http-port=7");
  }

  @Test
  void whatIsWrongIsToldWithItsPlace() {
    refused("http-port: 1\nhtp-port: 2\n", ":2: unknown setting htp-port, did you mean http-port?");
    refused(
        "\nhttp-port: many\n", ":2: Invalid value for option '--http-port': 'many' is not an int");
    refused("http-port: 1\nhttp-port: 2\n", ":2: http-port is set twice");
    refused("http-port:\n", ":1: http-port: expected one value, or a list of values");
    refused("http: {port: 1}\n", ":1: http: expected one value, or a list of values");
    refused("- http-port\n", ":1: expected NAME: VALUE lines");
    refused("config: other.yaml\n", ":1: config names this file, and cannot stand in it");
    assertThatThrownBy(() -> withFile("a: [1\nb: 2\n", Map.of()))
        .isInstanceOf(Mishap.class)
        .hasMessageStartingWith(file + ":2: ");
    assertThatThrownBy(() -> expand(Map.of(), "serve", "--config=/no/such.yaml"))
        .hasMessage("--config: /no/such.yaml: no such file");
    assertThatThrownBy(() -> expand(Map.of("NEREID_HTTP_PORT", "tcp://1"), "serve"))
        .hasMessage(
            "NEREID_HTTP_PORT: Invalid value for option '--http-port': 'tcp://1' is not an int");
  }

  @Test
  void variablesThatSetNothingAreLeftAlone() {
    assertThat(
            expand(
                Map.of("NEREID_SERVICE_HOST", "10.0.0.1", "NEREID_GC", "z", "NEREID_PORT", "tcp"),
                "serve",
                "--http-port=1"))
        .containsExactly("serve", "--http-port=1");
    assertThat(expand(Map.of("NEREID_HTTP_PORT", "x"), "version")).containsExactly("version");
  }

  @Test
  void aMishapEndsTheProgramWithOneLine() {
    var err = new StringWriter();
    line.setErr(new PrintWriter(err, true));
    assertThat(Nereid.run(line, new String[] {"serve", "--config=/no/such.yaml"}, Map.of()))
        .isEqualTo(1);
    assertThat(err.toString())
        .isEqualTo("nereid serve: --config: /no/such.yaml: no such file" + System.lineSeparator());
  }
}
