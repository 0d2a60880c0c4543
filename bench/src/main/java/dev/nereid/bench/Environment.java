package dev.nereid.bench;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.concurrent.TimeUnit;

/** Where and when figures were made, without which they mean little. */
record Environment(String date, String commit, String os, String cpu, int processors, String jdk) {
  private static final String UNKNOWN = "unknown";
  private static final long GIT_SECONDS = 2;

  /** What this process can find out; what it cannot is called unknown. */
  static Environment now() {
    return new Environment(
        Instant.now().truncatedTo(ChronoUnit.SECONDS).toString(),
        describe(),
        System.getProperty("os.name")
            + " "
            + System.getProperty("os.version")
            + " "
            + System.getProperty("os.arch"),
        cpuName(),
        Runtime.getRuntime().availableProcessors(),
        Runtime.version().toString());
  }

  private static String cpuName() {
    try (var lines = Files.lines(Path.of("/proc/cpuinfo"))) {
      return lines
          .filter(line -> line.startsWith("model name"))
          .map(line -> line.substring(line.indexOf(':') + 1).strip())
          .findFirst()
          .orElse(UNKNOWN);
    } catch (IOException e) {
      return UNKNOWN;
    }
  }

  private static String describe() {
    try {
      Process git =
          new ProcessBuilder("git", "describe", "--always", "--dirty")
              .redirectError(ProcessBuilder.Redirect.DISCARD)
              .start();
      if (!git.waitFor(GIT_SECONDS, TimeUnit.SECONDS) || git.exitValue() != 0) {
        git.destroyForcibly();
        return UNKNOWN;
      }
      return new String(git.getInputStream().readAllBytes(), StandardCharsets.UTF_8).strip();
    } catch (IOException e) {
      return UNKNOWN;
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return UNKNOWN;
    }
  }
}
