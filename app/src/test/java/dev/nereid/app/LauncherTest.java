package dev.nereid.app;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.File;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * The launcher {@code nereid} in a distribution, with tools of its own and the usual install places
 * below a folder of the test: on made-up Javas that tell how they were called, and on the real one.
 */
@Timeout(180)
final class LauncherTest {
  private static final List<String> TOOLS =
      List.of(
          "awk",
          "cat",
          "cksum",
          "cut",
          "dirname",
          "env",
          "find",
          "getconf",
          "head",
          "ls",
          "mkdir",
          "mv",
          "nproc",
          "readlink",
          "rm",
          "sed",
          "sh",
          "touch");

  /** Tells its home, its options, arguments and class path; makes a start-up cache if told to. */
  private static final String TELLING =
      """
      #!/bin/sh
      echo "home=${0%/bin/java}"
      for argument in "$@"; do
        echo "[$argument]"
        case $argument in
          -XX:AOTCacheOutput=*) [ -n "${NO_CACHE:-}" ] || : >"${argument#*=}" ;;
        esac
      done
      echo "class path $CLASSPATH"
      exit "${EXIT:-0}"
      """;

  @TempDir Path folder;
  private Path root;
  private Path home;
  private Path tools;

  private record Said(int status, List<String> out, List<String> err) {}

  @BeforeEach
  void unpack() throws IOException {
    root = folder.toRealPath();
    home = Files.createDirectories(root.resolve("my programs/nereid"));
    executable(home.resolve("nereid"), Files.readString(RunningProgram.HOME.resolve("nereid")));
    Path lib = Files.createDirectories(home.resolve("lib"));
    String finder = Files.readString(RunningProgram.HOME.resolve("build-tools/jdk.sh"));
    Files.writeString(
        lib.resolve("jdk.sh"), finder.replaceAll(" /(usr|opt|home|Library)", " '" + root + "'/$1"));
    Files.createFile(lib.resolve("a.jar"));
    Files.createFile(lib.resolve("b.jar"));
    tools = Files.createDirectories(root.resolve("tools"));
    for (String tool : TOOLS) {
      Files.createSymbolicLink(tools.resolve(tool), onPath(tool));
    }
    tool("uname", "echo Linux");
  }

  private static Path onPath(String tool) {
    return Arrays.stream(System.getenv("PATH").split(File.pathSeparator))
        .map(folder -> Path.of(folder, tool))
        .filter(Files::isExecutable)
        .findFirst()
        .orElseThrow(() -> new IllegalStateException(tool + ": not on the PATH"));
  }

  private void tool(String name, String script) throws IOException {
    executable(tools.resolve(name), "#!/bin/sh\n" + script + "\n");
  }

  private static void executable(Path file, String text) throws IOException {
    Files.writeString(file, text);
    assertThat(file.toFile().setExecutable(true)).isTrue();
  }

  private Path java(String place, String release) throws IOException {
    return java(place, release, TELLING);
  }

  private Path java(String place, String release, String script) throws IOException {
    Path java = root.resolve(place);
    Files.createDirectories(java.resolve("bin"));
    Files.writeString(java.resolve("release"), "JAVA_VERSION=\"" + release + "\"\n");
    executable(java.resolve("bin/java"), script);
    return java;
  }

  private Said run(Map<String, String> environment, String... arguments) throws Exception {
    return run(home.resolve("nereid"), environment, arguments);
  }

  private Said run(Path launcher, Map<String, String> environment, String... arguments)
      throws Exception {
    List<String> command = new ArrayList<>(List.of(launcher.toString()));
    command.addAll(List.of(arguments));
    Path out = Files.createTempFile(root, "out", "");
    Path err = Files.createTempFile(root, "err", "");
    ProcessBuilder builder =
        new ProcessBuilder(command).redirectOutput(out.toFile()).redirectError(err.toFile());
    Map<String, String> all = new HashMap<>(environment);
    all.putIfAbsent("PATH", tools.toString());
    all.putIfAbsent("NEREID_AOT", "off");
    all.put("HOME", root.toString());
    builder.environment().clear();
    builder.environment().putAll(all);
    Process process = builder.start();
    assertThat(process.waitFor(90, TimeUnit.SECONDS)).isTrue();
    return new Said(process.exitValue(), Files.readAllLines(out), Files.readAllLines(err));
  }

  @Test
  void anOldJavaHomeIsPassedOverForTheJavaOnThePath() throws Exception {
    Path old = java("old", "21.0.4");
    Path linked = java("linked", "25.0.3");
    Files.createSymbolicLink(tools.resolve("java"), linked.resolve("bin/java"));
    Said said = run(Map.of("JAVA_HOME", old.toString()), "version");
    assertThat(said.out).contains("home=" + linked, "[version]");
    assertThat(said.err).isEmpty();
    assertThat(said.status).isZero();
  }

  @Test
  void anOldJavaOnThePathIsPassedOverForTheUsualPlaces() throws Exception {
    Path old = java("old", "17");
    Files.createSymbolicLink(tools.resolve("java"), old.resolve("bin/java"));
    Path usual = java("usr/lib/jvm/temurin-25", "25");
    assertThat(run(Map.of(), "version").out).contains("home=" + usual);
  }

  @Test
  void aNewerJavaServesWhereThereIsNoneOfTheRelease() throws Exception {
    Path newer = java("usr/lib/jvm/a-27", "27");
    assertThat(run(Map.of(), "version").out).contains("home=" + newer);
    Path fitting = java("usr/lib/jvm/b-25", "25");
    assertThat(run(Map.of(), "version").out).contains("home=" + fitting);
  }

  @ParameterizedTest
  @CsvSource({
    "Linux,apt-get,apt-get install temurin-25-jdk",
    "Linux,dnf,dnf install java-25-openjdk-devel",
    "Linux,apk,apk add openjdk25",
    "Linux,nothing,sdk install java 25-tem",
    "Darwin,nothing,brew install --cask temurin@25"
  })
  void withoutAJavaOneLineTellsHowToGetOne(String system, String packages, String advice)
      throws Exception {
    tool("uname", "echo " + system);
    tool(packages, "exit 1");
    Path old = java("old", "21.0.4");
    java("usr/lib/jvm/older", "11");
    Files.createDirectories(root.resolve("opt/jdk-25-without-anything"));
    for (Map<String, String> environment :
        List.of(Map.<String, String>of(), Map.of("JAVA_HOME", old.toString()))) {
      Said said = run(environment, "serve");
      assertThat(said.err).hasSize(1);
      assertThat(said.err.getFirst())
          .startsWith("nereid: no JDK 25 found; get one with: " + advice)
          .endsWith("or point JAVA_HOME at one");
      assertThat(said.out).isEmpty();
      assertThat(said.status).isEqualTo(1);
    }
  }

  @Test
  void argumentsAndTheExitStatusPassUnchanged() throws Exception {
    java("usr/lib/jvm/25", "25");
    Map<String, String> environment =
        Map.of("EXIT", "7", "NEREID_JAVA_OPTS", "-Xmx3g -Dx=y", "NEREID_GC", "serial");
    Said said = run(environment, "infer", "a b", "", "it's \"so\" $HOME *");
    assertThat(said.out)
        .containsSubsequence(
            "[-XX:+UseSerialGC]",
            "[-Xmx3g]",
            "[-Dx=y]",
            "[-Dnereid.home=" + home + "]",
            "[dev.nereid.app.Nereid]",
            "[infer]",
            "[a b]",
            "[]",
            "[it's \"so\" $HOME *]",
            "class path " + home + "/lib/a.jar:" + home + "/lib/b.jar");
    assertThat(said.status).isEqualTo(7);
  }

  @Test
  void aLinkToTheLauncherFindsItsHome() throws Exception {
    java("usr/lib/jvm/25", "25");
    Path bin = Files.createDirectories(root.resolve("bin"));
    Path link = Files.createSymbolicLink(bin.resolve("nereid"), Path.of("other"));
    Files.createSymbolicLink(bin.resolve("other"), home.resolve("nereid"));
    assertThat(run(link, Map.of(), "version").out).contains("[-Dnereid.home=" + home + "]");
  }

  @Test
  void anUnknownCollectorIsSaidInOneLine() throws Exception {
    java("usr/lib/jvm/25", "25");
    Said said = run(Map.of("NEREID_GC", "fast"), "version");
    assertThat(said.err)
        .containsExactly("nereid: NEREID_GC: fast (expected: serial, parallel, g1 or z)");
    assertThat(said.status).isEqualTo(1);
  }

  @Test
  void theStartUpCacheIsMadeOnceByTheFirstStart() throws Exception {
    java("usr/lib/jvm/25", "25");
    Map<String, String> on = Map.of("NEREID_AOT", "on");
    assertThat(run(on, "serve", "--help").err).isEmpty();
    assertThat(run(on, "version").err).isEmpty();
    Said first = run(on, "serve");
    assertThat(first.err).containsExactly("Preparing a faster start (once, a few seconds).");
    assertThat(first.out).anyMatch(line -> line.startsWith("[-XX:AOTCache="));
    Said second = run(on, "version");
    assertThat(second.err).isEmpty();
    assertThat(second.out).anyMatch(line -> line.startsWith("[-XX:AOTCache="));
    Files.createFile(home.resolve("lib/c.jar"));
    assertThat(run(on, "serve").err).as("other jars").isEqualTo(first.err);
    assertThat(run(Map.of(), "serve").out).noneMatch(line -> line.startsWith("[-XX:AOT"));
  }

  @Test
  void aStartUpCacheThatCannotBeMadeStopsNothing() throws Exception {
    java("usr/lib/jvm/25", "25");
    Path file = Files.createFile(root.resolve("file"));
    Map<String, String> environment =
        Map.of(
            "NEREID_AOT",
            "on",
            "NO_CACHE",
            "yes",
            "NEREID_CACHE_DIR",
            file + "/below",
            "XDG_CACHE_HOME",
            root + "/caches");
    Said said = run(environment, "serve");
    assertThat(said.err)
        .containsExactly(
            "Preparing a faster start (once, a few seconds).",
            "That did not work, which costs nothing but time; see "
                + root
                + "/caches/nereid/start.log.");
    assertThat(said.out).contains("[serve]");
    assertThat(said.status).isZero();
  }

  @Test
  void theRealProgramTellsMishapsInOneLine() throws Exception {
    Path real = Path.of(System.getProperty("java.home"), "bin", "java");
    String script =
        """
        #!/bin/sh
        CLASSPATH='%s'
        export CLASSPATH
        exec '%s' -XX:TieredStopAtLevel=1 "$@"
        """
            .formatted(System.getProperty("java.class.path"), real);
    java("usr/lib/jvm/25", "25", script);
    Said version = run(Map.of(), "version");
    assertThat(version.err).isEmpty();
    assertThat(version.out.getFirst()).startsWith("nereid ").contains(" on Java ");
    Said unknown = run(Map.of(), "srve");
    assertThat(unknown.err)
        .containsExactly("nereid: not understood: srve, did you mean serve?; see nereid --help");
    assertThat(unknown.status).isEqualTo(1);
    Said help = run(Map.of(), "--help");
    assertThat(help.out).anyMatch(line -> line.startsWith("Usage: nereid "));
    assertThat(help.status).isZero();
    Path models = Files.createDirectories(root.resolve("models"));
    try (var taken = new ServerSocket(0, 1, InetAddress.ofLiteral("127.0.0.1"))) {
      int port = taken.getLocalPort();
      Said said =
          run(
              Map.of(),
              "serve",
              "--model-repository=" + models,
              "--http-address=127.0.0.1",
              "--http-port=" + port,
              "--allow-grpc=false",
              "--allow-metrics=false",
              "--allow-gateway=false");
      assertThat(said.err)
          .containsExactly("nereid serve: port " + port + " is in use; try --http-port");
      assertThat(said.status).isEqualTo(1);
    }
  }
}
