package dev.nereid.bench;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.ObjectMapper;

/** The reports have the members and columns that docs/benchmarking.md tells, and no others. */
@Timeout(60)
final class ReportSchemaTest {
  private static final Pattern ROW = Pattern.compile("\\| `([a-z_.\\[\\]]+)` \\| (.*) \\|");

  /** Members whose members are names of other things. */
  private static final Set<String> NAMED_OTHERWISE =
      Set.of("runs[].failures", "runs[].models[].batches", "runs[].phases[].phases");

  private final List<String[]> rows = new ArrayList<>();
  private final Set<String> seen = new TreeSet<>();

  @TempDir Path folder;

  @Test
  void everyMemberIsDocumentedAndEveryColumn() throws Exception {
    String docs = Files.readString(Path.of("../docs/benchmarking.md"));
    String members = docs.substring(docs.indexOf("### JSON"), docs.indexOf("### CSV"));
    members.lines().map(ROW::matcher).filter(row -> row.matches()).forEach(this::keep);
    Path json = folder.resolve("report.json");
    Path csv = folder.resolve("report.csv");
    try (var server =
        new KnownServer(
            i -> i % 10 == 0 ? new KnownServer.Act.Refuse(503) : new KnownServer.Act.Answer(0))) {
      BenchRun ran =
          BenchRun.command(
              "-u=" + server.url(),
              "-i=http",
              "-m=m",
              "--metrics-url=" + server.url() + "/metrics",
              "--data=x=zero",
              "--priority=1,2",
              "-c2",
              "-w100ms",
              "-d1s",
              "-q",
              "--json=" + json,
              "--csv=" + csv);
      assertThat(ran.exit()).as(ran.err()).isZero();
    }
    JsonNode report = new ObjectMapper().readTree(json);
    assertThat(report.path("target").path("tensors").asString("")).isEqualTo("x FP32[1,4]");
    assertThat(report.path("target").path("data").asString("")).isEqualTo("x=zero");
    JsonNode plan = report.path("runs").path(0).path("plan");
    assertThat(plan.path("warm_up_seconds").doubleValue()).isEqualTo(0.1);
    assertThat(plan.path("mix").path(1).path("name").asString("")).isEqualTo("priority 2");
    walk("", report);
    for (String[] row : rows) {
      assertThat(seen).as("documented, and in no report").contains(row[0]);
    }
    List<String> lines = Files.readAllLines(csv);
    assertThat(columns(docs)).isEqualTo(Arrays.asList(lines.getFirst().split(",", -1)));
    assertThat(lines.getLast()).contains(",http,m,1,shared,");
  }

  private void keep(MatchResult row) {
    rows.add(new String[] {row.group(1), row.group(2)});
  }

  /** The names in code after the heading of CSV. */
  private static List<String> columns(String docs) {
    String section = docs.substring(docs.indexOf("### CSV"));
    String text = section.substring(0, section.indexOf("\n## "));
    return Pattern.compile("`([a-z0-9_]+)`").matcher(text).results().map(m -> m.group(1)).toList();
  }

  private void walk(String path, JsonNode node) {
    seen.add(path);
    if (node.isArray() && !node.isEmpty() && node.path(0).isObject()) {
      walk(path + "[]", node.path(0));
    } else if (node.isObject() && !NAMED_OTHERWISE.contains(path)) {
      for (String name : node.propertyNames()) {
        String member = path.isEmpty() ? name : path + "." + name;
        assertThat(isDocumented(path, name, member)).as(member).isTrue();
        seen.add(member);
        walk(canonical(member), node.path(name));
      }
    }
  }

  /** What the documentation calls the same as something else is looked up there. */
  private static String canonical(String member) {
    return member
        .replace("runs[].warm_up.models", "runs[].models")
        .replaceFirst("runs\\[\\]\\.(send_lag|classes\\[\\]\\.latency)", "runs[].latency");
  }

  /** A row of its own, or a word in the row of what it is a member of. */
  private boolean isDocumented(String path, String name, String member) {
    for (String[] row : rows) {
      if (row[0].equals(member) || row[0].equals(member + "[]")) {
        return true;
      }
      if (row[0].equals(path) && Arrays.asList(row[1].split("[^a-z0-9_]+", -1)).contains(name)) {
        return true;
      }
    }
    return false;
  }
}
