package dev.nereid.app;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import picocli.CommandLine;

final class NereidTest {
  private final StringWriter out = new StringWriter();
  private final StringWriter err = new StringWriter();

  private int run(String... arguments) {
    CommandLine line = Nereid.commandLine(new Installation(Path.of("/opt/nereid"), null, "1.2.3"));
    line.setOut(new PrintWriter(out, true)).setErr(new PrintWriter(err, true));
    return line.execute(Nereid.spelled(arguments));
  }

  @Test
  void everyCommandHasHelp() {
    var line = Nereid.commandLine(new Installation(Path.of("/opt/nereid"), null, "1.2.3"));
    for (String name : line.getSubcommands().keySet()) {
      assertThat(run(name, "--help")).as(name).isZero();
    }
    assertThat(run()).isZero();
    assertThat(run("help")).isZero();
    assertThat(run("help", "version")).isZero();
    assertThat(err.toString()).isEmpty();
  }

  @Test
  void tellsItsVersion() {
    assertThat(run("version")).isZero();
    assertThat(out.toString()).startsWith("nereid 1.2.3 on Java 25");
  }

  @Test
  void anUnknownOptionNamesTheNearestKnownOne() {
    assertThat(run("version", "--hlep=yes")).isEqualTo(1);
    assertThat(err.toString())
        .isEqualTo(
            "nereid version: unknown option --hlep, did you mean --help?;"
                + " see nereid version --help\n");
  }

  @Test
  void theBeginningOfACommandNamesIt() {
    assertThat(run("vers")).isEqualTo(1);
    assertThat(err.toString()).contains("not understood: vers, did you mean version?");
  }

  @Test
  void anUnknownCommandNamesTheNearestKnownOne() {
    assertThat(run("vresion")).isEqualTo(1);
    assertThat(err.toString())
        .isEqualTo("nereid: not understood: vresion, did you mean version?; see nereid --help\n");
  }
}
