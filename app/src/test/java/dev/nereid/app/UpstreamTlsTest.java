package dev.nereid.app;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.nereid.client.ImageClient;
import dev.nereid.client.ImageForm;
import dev.nereid.client.TargetState;
import dev.nereid.client.UpstreamStatus;
import dev.nereid.core.FaultException;
import dev.nereid.http.TestCertificates;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine;

/** A server that asks for certificates, and gateways in front of it over TLS. */
@Timeout(120)
final class UpstreamTlsTest {
  private static final TestCertificates AUTHORITY = new TestCertificates("authority");
  private static final TestCertificates STRANGERS = new TestCertificates("strangers");
  private static final Duration LIMIT = Duration.ofSeconds(60);

  @TempDir private static Path folder;
  private static RunningProgram server;

  @BeforeAll
  static void start() throws Exception {
    AUTHORITY.writeRoot(file("ca.crt"));
    STRANGERS.writeRoot(file("strangers.crt"));
    AUTHORITY.issue("server").writeTo(file("server.crt"), file("server.key"));
    AUTHORITY.issue("gateway").writeTo(file("gateway.crt"), file("gateway.key"));
    server =
        RunningProgram.ofDemoModels(
            "--grpc-use-ssl-mutual=true",
            "--grpc-root-cert=" + file("ca.crt"),
            "--grpc-server-cert=" + file("server.crt"),
            "--grpc-server-key=" + file("server.key"));
  }

  @AfterAll
  static void stop() {
    server.close();
  }

  private static Path file(String name) {
    return folder.resolve(name);
  }

  private static String[] flags(String roots, String certificate, String... more) {
    List<String> flags =
        new ArrayList<>(
            List.of(
                "--upstream=grpcs://127.0.0.1:" + server.server.grpcPort(),
                "--upstream-root-cert=" + file(roots),
                "--upstream-client-cert=" + file(certificate + ".crt"),
                "--upstream-client-key=" + file(certificate + ".key")));
    flags.addAll(List.of(more));
    return flags.toArray(String[]::new);
  }

  private static UpstreamStatus.Target target(RunningProgram gateway) {
    return gateway.upstreams().status().targets().getFirst();
  }

  private static void await(RunningProgram gateway, TargetState state) {
    while (target(gateway).state() != state) {
      LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(10));
    }
  }

  private static void classifies(RunningProgram gateway) throws Exception {
    try (ImageClient client = gateway.images()) {
      byte[] picture = RunningProgram.sample("tiny.jpg");
      assertThat(client.post("/classify", ImageForm.RAW, picture, LIMIT).get(60, TimeUnit.SECONDS))
          .isNotEmpty();
    }
  }

  @Test
  void bothSidesShowWhoTheyAre() throws Exception {
    try (RunningProgram gateway = RunningProgram.ofDemoModels(flags("ca.crt", "gateway"))) {
      await(gateway, TargetState.LIVE);
      classifies(gateway);
      assertThat(target(gateway).calls().answered()).isEqualTo(1);
    }
  }

  @Test
  void aServerOfSomebodyElseGetsNothing() throws Exception {
    try (RunningProgram gateway = RunningProgram.ofDemoModels(flags("strangers.crt", "gateway"))) {
      await(gateway, TargetState.UNREACHABLE);
      assertThat(target(gateway).reason()).isNotEmpty();
      assertThat(target(gateway).models()).isEmpty();
    }
  }

  @Test
  void aServerUnderAnotherNameGetsNothing() throws Exception {
    String[] flags = flags("ca.crt", "gateway", "--upstream-server-name=elsewhere.example");
    try (RunningProgram gateway = RunningProgram.ofDemoModels(flags)) {
      await(gateway, TargetState.UNREACHABLE);
      assertThat(target(gateway).models()).isEmpty();
    }
  }

  @Test
  void newFilesCountForNewConnections() throws Exception {
    STRANGERS.issue("late").writeTo(file("late.crt"), file("late.key"));
    try (RunningProgram gateway = RunningProgram.ofDemoModels(flags("ca.crt", "late"))) {
      await(gateway, TargetState.UNREACHABLE);
      AUTHORITY.issue("late").writeTo(file("late.crt"), file("late.key"));
      await(gateway, TargetState.LIVE);
      classifies(gateway);
    }
  }

  @Test
  void filesThatDoNotFitAreSaidAtTheStart() throws Exception {
    Files.writeString(file("empty.pem"), "nothing\n");
    AUTHORITY.issue("other").writeTo(file("other.crt"), file("other.key"));
    Files.copy(file("other.crt"), file("mixed.crt"));
    Files.copy(file("gateway.key"), file("mixed.key"));
    assertThatThrownBy(() -> RunningProgram.ofDemoModels(flags("missing.pem", "gateway")))
        .isInstanceOf(FaultException.class)
        .hasMessageContaining("missing.pem: no such file");
    assertThatThrownBy(() -> RunningProgram.ofDemoModels(flags("empty.pem", "gateway")))
        .isInstanceOf(FaultException.class)
        .hasMessageContaining("empty.pem: no certificate");
    assertThatThrownBy(() -> RunningProgram.ofDemoModels(flags("ca.crt", "mixed")))
        .isInstanceOf(FaultException.class)
        .hasMessageContaining("mixed.key: not the key of the first certificate in");
  }

  @Test
  void certificatesWithoutTlsAreRefused() {
    ServeFlags flags = new ServeFlags();
    new CommandLine(flags)
        .parseArgs("--upstream=127.0.0.1:1", "--upstream-root-cert=" + file("ca.crt"));
    assertThatThrownBy(() -> flags.options(new Installation(folder, null, "1.2.3")))
        .isInstanceOf(Mishap.class)
        .hasMessageContaining("grpcs://");
  }
}
