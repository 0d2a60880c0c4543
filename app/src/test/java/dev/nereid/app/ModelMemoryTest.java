package dev.nereid.app;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** The memory of a model that is unloaded is given back to the operating system. */
@Timeout(300)
final class ModelMemoryTest {
  private static final int CYCLES = 300;

  /** After three tenths everything is loaded and compiled that is needed once. */
  private static final int WARM = 2;

  /** In a process of its own, with a heap that is in memory from the start. */
  @Test
  void twoHundredLoadsLeaveTheMemoryAsItWas() throws Exception {
    assumeTrue(Files.exists(Path.of("/proc/self/status")), "no /proc");
    Process process =
        new ProcessBuilder(
                ProcessHandle.current().info().command().orElseThrow(),
                "-Xms96m",
                "-Xmx96m",
                "-XX:+AlwaysPreTouch",
                "-XX:+UseSerialGC",
                "-XX:TieredStopAtLevel=1",
                "--enable-native-access=ALL-UNNAMED",
                "-cp",
                System.getProperty("java.class.path"),
                ModelCycles.class.getName(),
                RunningProgram.HOME.resolve("models").toString(),
                "shapes_detector",
                Integer.toString(CYCLES))
            .redirectErrorStream(true)
            .start();
    String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertThat(process.waitFor(10, TimeUnit.SECONDS)).as(output).isTrue();
    List<Long> resident =
        output
            .lines()
            .filter(line -> line.startsWith("resident "))
            .map(line -> Long.valueOf(line.substring("resident ".length())))
            .toList();
    assertThat(resident).as(output).hasSize(10);
    double growth = (double) resident.getLast() / resident.get(WARM) - 1;
    assertThat(growth).as("over the last 210 cycles: " + resident).isLessThan(0.05);
  }
}
