package dev.nereid.app;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.nereid.access.ApiKey;
import dev.nereid.client.ImageClient;
import dev.nereid.client.ImageForm;
import dev.nereid.client.TargetState;
import dev.nereid.client.UpstreamStatus;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine;

/** Two servers that ask who calls, each with a key of its own, and gateways that show it. */
@Timeout(120)
final class UpstreamCredentialsTest {
  private static final ApiKey FIRST = ApiKey.make();
  private static final ApiKey SECOND = ApiKey.make();

  @TempDir private static Path folder;
  private static RunningProgram first;
  private static RunningProgram second;

  @BeforeAll
  static void start() throws Exception {
    first = server("first", FIRST);
    second = server("second", SECOND);
  }

  @AfterAll
  static void stop() {
    first.close();
    second.close();
  }

  private static RunningProgram server(String name, ApiKey key) throws Exception {
    Path callers = folder.resolve(name + ".yaml");
    Files.writeString(callers, "g: {roles: [inference], keys: ['" + key.digest() + "']}\n");
    return RunningProgram.ofDemoModels("--callers-file=" + callers, "--allow-gateway=false");
  }

  private static String at(RunningProgram server) {
    return "127.0.0.1:" + server.server.grpcPort();
  }

  private static Path secret(String name, String content) throws Exception {
    return Files.writeString(folder.resolve(name), content);
  }

  private static List<UpstreamStatus.Target> targets(RunningProgram gateway) {
    return gateway.upstreams().status().targets();
  }

  private static void await(RunningProgram gateway, int target, TargetState state) {
    while (targets(gateway).get(target).state() != state) {
      LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(10));
    }
  }

  private static void classifies(RunningProgram gateway) throws Exception {
    try (ImageClient client = gateway.images()) {
      byte[] picture = RunningProgram.sample("tiny.jpg");
      assertThat(
              client
                  .post("/classify", ImageForm.RAW, picture, Duration.ofSeconds(60))
                  .get(60, TimeUnit.SECONDS))
          .isNotEmpty();
    }
  }

  @Test
  void eachServerIsShownWhatIsItsOwn() throws Exception {
    Path common = secret("common", "x-api-key: " + FIRST.reveal() + "\n");
    Path own = secret("own", SECOND.reveal() + "\n");
    try (RunningProgram gateway =
        RunningProgram.ofDemoModels(
            "--upstream=" + at(first) + "," + at(second),
            "--upstream-credentials-file=" + common,
            "--upstream-credentials-file=" + at(second) + "=" + own)) {
      await(gateway, 0, TargetState.LIVE);
      await(gateway, 1, TargetState.LIVE);
      for (int i = 0; i < 6; i++) {
        classifies(gateway);
      }
      assertThat(targets(gateway)).allMatch(target -> target.calls().answered() == 3);
    }
  }

  @Test
  void aNewKeyIsShownOnceItsFileHasIt() throws Exception {
    Path file = secret("late", SECOND.reveal());
    try (RunningProgram gateway =
        RunningProgram.ofDemoModels(
            "--upstream=" + at(first), "--upstream-credentials-file=" + file)) {
      await(gateway, 0, TargetState.UNREACHABLE);
      assertThat(targets(gateway).getFirst().reason())
          .startsWith("UNAUTHENTICATED")
          .doesNotContain(SECOND.reveal());
      assertThat(targets(gateway).getFirst().models()).isEmpty();
      Files.writeString(file, FIRST.reveal());
      await(gateway, 0, TargetState.LIVE);
      classifies(gateway);
    }
  }

  private static void assertRefused(String message, String... flags) {
    ServeFlags parsed = new ServeFlags();
    new CommandLine(parsed).parseArgs(flags);
    assertThatThrownBy(() -> parsed.options(new Installation(folder, null, "1.2.3")))
        .isInstanceOf(Mishap.class)
        .hasMessage(message);
  }

  @Test
  void whatCannotBeMeantIsRefused() {
    assertRefused(
        "--upstream-credentials-file: c:8001 is no upstream (expected: one of [a:8001, b:8001])",
        "--upstream=a,b",
        "--upstream-credentials-file=c=key");
    assertRefused(
        "--upstream-credentials-file: a:8001 has some already (expected: once)",
        "--upstream=a,b",
        "--upstream-credentials-file=x",
        "--upstream-credentials-file=y");
    assertRefused(
        "--upstream-credentials-env: NO_SUCH_VARIABLE is not set in the environment",
        "--upstream=a",
        "--upstream-credentials-env=NO_SUCH_VARIABLE");
  }
}
