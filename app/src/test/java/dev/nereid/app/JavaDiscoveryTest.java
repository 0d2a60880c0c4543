package dev.nereid.app;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Runs {@code build-tools/jdk.sh}, which the launcher and mvnw share, over made-up Javas. */
final class JavaDiscoveryTest {
  @TempDir Path folder;

  @Test
  void javaHomeIsTakenWhenItsReleaseFits() throws Exception {
    Path home = java("mine", "25.0.3", true);
    assertThat(find("jdk", Map.of("JAVA_HOME", home.toString()))).isEqualTo(home.toString());
  }

  @Test
  void anotherReleaseIsPassedOver() throws Exception {
    Path old = java("old", "21.0.1", true);
    Path good = java(".sdkman/candidates/java/25-tem", "25", true);
    assertThat(find("jdk", Map.of("JAVA_HOME", old.toString()))).isEqualTo(good.toString());
  }

  @Test
  void aRuntimeWithoutCompilerRunsAndDoesNotBuild() throws Exception {
    Path home = java("runtime", "25.0.3", false);
    var environment = Map.of("JAVA_HOME", home.toString());
    assertThat(find("run", environment)).isEqualTo(home.toString());
    assertThat(find("jdk", environment)).isNotEqualTo(home.toString());
  }

  @Test
  void aNameWithSpacesIsFollowed() throws Exception {
    Path home = java("with a space", "25.0.3", true);
    assertThat(find("jdk", Map.of("JAVA_HOME", home.toString()))).isEqualTo(home.toString());
  }

  @Test
  void javaOnThePathIsFollowedThroughItsLinks() throws Exception {
    Path home = java("linked", "25.0.3", true);
    Path bin = Files.createDirectories(folder.resolve("bin"));
    Files.createSymbolicLink(bin.resolve("java"), home.resolve("bin/java"));
    String path = bin + ":" + System.getenv("PATH");
    assertThat(find("jdk", Map.of("PATH", path))).isEqualTo(home.toString());
  }

  private Path java(String name, String version, boolean compiler) throws IOException {
    Path home = folder.toRealPath().resolve(name);
    Files.createDirectories(home.resolve("bin"));
    Files.writeString(home.resolve("release"), "JAVA_VERSION=\"" + version + "\"\n");
    executable(home.resolve("bin/java"));
    if (compiler) {
      executable(home.resolve("bin/javac"));
    }
    return home;
  }

  private static void executable(Path file) throws IOException {
    Files.writeString(file, "#!/bin/sh\n");
    assertThat(file.toFile().setExecutable(true)).isTrue();
  }

  private String find(String kind, Map<String, String> environment) throws Exception {
    Path script = Path.of("..", "build-tools", "jdk.sh").toAbsolutePath();
    var builder =
        new ProcessBuilder(
            "sh", "-c", ". '" + script + "'; find_java " + kind + " && echo \"$java_home\"");
    builder.environment().remove("JAVA_HOME");
    builder.environment().put("HOME", folder.toRealPath().toString());
    builder.environment().putAll(environment);
    Process process = builder.start();
    try (var out = process.getInputStream()) {
      return new String(out.readAllBytes(), StandardCharsets.UTF_8).strip();
    }
  }
}
