package dev.nereid.bench;

import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import picocli.CommandLine;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.ObjectMapper;

/** What one run of the command brought. */
record BenchRun(int exit, String out, String err, JsonNode report) {

  /** Runs it with a JSON report in that folder. */
  static BenchRun of(Path folder, String... arguments) throws IOException {
    Path json = folder.resolve("report.json");
    Files.deleteIfExists(json);
    List<String> all = new ArrayList<>(Arrays.asList(arguments));
    all.addAll(List.of("--json", json.toString(), "-q"));
    BenchRun ran = command(all.toArray(String[]::new));
    JsonNode report =
        Files.exists(json)
            ? new ObjectMapper().readTree(json)
            : new ObjectMapper().createObjectNode();
    return new BenchRun(ran.exit, ran.out, ran.err, report);
  }

  /** Runs it as it is. */
  static BenchRun command(String... arguments) {
    StringWriter out = new StringWriter();
    StringWriter err = new StringWriter();
    CommandLine line = new CommandLine(new BenchCommand()).setOverwrittenOptionsAllowed(true);
    line.setOut(new PrintWriter(out)).setErr(new PrintWriter(err));
    int exit = line.execute(arguments);
    return new BenchRun(exit, out.toString(), err.toString(), new ObjectMapper().nullNode());
  }

  JsonNode run(int index) {
    return report.path("runs").path(index);
  }

  double figure(String... path) {
    JsonNode node = run(0);
    for (String name : path) {
      node = node.path(name);
    }
    if (!node.isNumber()) {
      throw new AssertionError(String.join(".", path) + ": " + node + "\n" + out + err);
    }
    return node.doubleValue();
  }
}
