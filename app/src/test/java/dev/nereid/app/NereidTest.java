package dev.nereid.app;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import picocli.CommandLine;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;

final class NereidTest {
  private static final Pattern BEGINNING = Pattern.compile("^ {1,8}(-[\\w-]+(?:, -[\\w-]+)*)");

  private final StringWriter out = new StringWriter();
  private final StringWriter err = new StringWriter();

  private static CommandLine line() {
    return Nereid.commandLine(new Installation(Path.of("/opt/nereid"), null, "1.2.3"));
  }

  private int run(String... arguments) {
    CommandLine line = line();
    line.setOut(new PrintWriter(out, true)).setErr(new PrintWriter(err, true));
    return line.execute(Nereid.spelled(arguments));
  }

  @Test
  void everyCommandHasHelp() {
    assertHelpBelow(List.of(), line());
    assertThat(run()).isZero();
    assertThat(run("help")).isZero();
    assertThat(run("help", "version")).isZero();
    assertThat(err.toString()).isEmpty();
  }

  private void assertHelpBelow(List<String> words, CommandLine line) {
    line.getSubcommands()
        .forEach(
            (name, command) -> {
              List<String> longer = new ArrayList<>(words);
              longer.add(name);
              String[] asked =
                  Stream.concat(longer.stream(), Stream.of("--help")).toArray(String[]::new);
              out.getBuffer().setLength(0);
              assertThat(run(asked)).as("%s", longer).isZero();
              assertThat(out.toString()).startsWith("Usage: nereid " + String.join(" ", longer));
              assertHelpBelow(longer, command);
            });
  }

  @Test
  void theOptionsOfServeStandUnderTheirHeadings() {
    assertThat(run("serve", "--help")).isZero();
    List<String> lines = out.toString().lines().toList();
    CommandSpec serve =
        Objects.requireNonNull(line().getSubcommands().get("serve")).getCommandSpec();
    CommandSpec flags = Objects.requireNonNull(serve.mixins().get("flags"));
    List<OptionSpec> grouped = new ArrayList<>();
    int last = 0;
    for (ServeFlags.Section section : ServeFlags.SECTIONS) {
      int heading = lines.indexOf(section.heading());
      assertThat(heading).as(section.heading()).isGreaterThan(last);
      assertThat(lines.get(heading - 1)).as("before %s", section.heading()).isEmpty();
      last = heading;
      List<String> below =
          lines.subList(heading + 1, lines.size()).stream().takeWhile(l -> !l.isEmpty()).toList();
      List<OptionSpec> options =
          Objects.requireNonNull(flags.mixins().get(section.field())).options();
      grouped.addAll(options);
      assertThat(shown(below)).as(section.heading()).isEqualTo(names(options));
    }
    List<OptionSpec> general = new ArrayList<>(serve.options());
    general.removeAll(grouped);
    assertThat(general).hasSizeLessThan(12);
    List<String> top = lines.stream().takeWhile(l -> !l.equals("Models")).toList();
    assertThat(shown(top)).isEqualTo(names(general));
  }

  private static Set<String> names(List<OptionSpec> options) {
    return options.stream()
        .filter(option -> !option.hidden())
        .flatMap(option -> Stream.of(option.names()))
        .collect(Collectors.toCollection(TreeSet::new));
  }

  /** The options whose descriptions begin in these lines. */
  private static Set<String> shown(List<String> lines) {
    return lines.stream()
        .map(BEGINNING::matcher)
        .filter(Matcher::find)
        .flatMap(found -> Stream.of(found.group(1).split(", ", -1)))
        .collect(Collectors.toCollection(TreeSet::new));
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
