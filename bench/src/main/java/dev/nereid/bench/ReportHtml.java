package dev.nereid.bench;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import tools.jackson.databind.node.ObjectNode;

/** Results as one page that needs nothing else: the JSON report, and the script that draws it. */
final class ReportHtml {
  private static final String GAP = "/*REPORT*/null";

  private ReportHtml() {}

  static String of(Environment environment, Map<String, String> target, List<LoadResult> results) {
    ObjectNode report = ReportJson.tree(environment, target, results);
    return page("report.html", report);
  }

  /** A page of this package with that report in it. */
  static String page(String name, ObjectNode report) {
    try (var in = ReportHtml.class.getResourceAsStream(name)) {
      if (in == null) {
        throw new IllegalStateException(name + ": not in the jar");
      }
      String page = new String(in.readAllBytes(), StandardCharsets.UTF_8);
      // What ends a script inside a text would end this one.
      String json = ReportJson.MAPPER.writeValueAsString(report).replace("</", "<\\/");
      return page.replace(GAP, json);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
