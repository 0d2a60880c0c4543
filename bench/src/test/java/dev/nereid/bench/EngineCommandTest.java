package dev.nereid.bench;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine;

@Timeout(30)
final class EngineCommandTest {
  private static final Path MLP = Path.of("../benchmarks/models/mlp");

  @TempDir Path folder;

  private record Ran(int exit, String out, String err) {}

  private static Ran engine(String... arguments) {
    StringWriter out = new StringWriter();
    StringWriter err = new StringWriter();
    CommandLine bench = new CommandLine(new BenchCommand());
    bench.setOut(new PrintWriter(out)).setErr(new PrintWriter(err));
    String[] all = new String[arguments.length + 1];
    all[0] = "engine";
    System.arraycopy(arguments, 0, all, 1, arguments.length);
    return new Ran(bench.execute(all), out.toString(), err.toString());
  }

  @Test
  void theCeilingIsMeasuredForEachBatchAndAServersRunComparedWithTheBest() throws Exception {
    Path run = folder.resolve("run.json");
    Files.writeString(
        run,
        "{\"target\":{\"batch\":\"1\"},\"runs\":[{\"plan\":{\"concurrency\":8},\"throughput\":1}]}");
    Ran ran =
        engine(
            "-m",
            MLP.toString(),
            "-b",
            "1,4",
            "-d",
            "200ms",
            "-w",
            "50ms",
            "--against",
            run.toString());
    assertThat(ran.exit()).as(ran.err()).isZero();
    assertThat(ran.out().lines()).hasSize(3);
    assertThat(ran.out())
        .contains(
            "batch 1, 1 x 1 threads:",
            "batch 4,",
            "server at 8 in flight: 1.0 items/s, 0.000 of the ceiling");
  }

  @Test
  void theNewestVersionOfAModelIsRun() throws Exception {
    Files.createDirectories(folder.resolve("2"));
    Files.createDirectories(folder.resolve("10"));
    Files.createDirectories(folder.resolve("not-a-version"));
    assertThat(EngineCommand.versionOf(folder)).isEqualTo(folder.resolve("10"));
    assertThat(EngineCommand.versionOf(folder.resolve("10"))).isEqualTo(folder.resolve("10"));
  }

  @Test
  void aFileThatIsNotThereIsOneLine() {
    Ran ran = engine("-m", folder.resolve("none.onnx").toString());
    assertThat(ran.exit()).isEqualTo(1);
    assertThat(ran.err().lines()).hasSize(1);
  }
}
