package dev.nereid.bench;

import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** Where results go. */
final class ReportOptions {
  @Option(
      names = {"--json", "--output"},
      paramLabel = "FILE",
      description = "Write the results as JSON.")
  private @Nullable Path json;

  @Option(names = "--csv", paramLabel = "FILE", description = "Write the results as CSV.")
  private @Nullable Path csv;

  @Option(
      names = "--html",
      paramLabel = "FILE",
      description = "Write the results as one HTML page with plots.")
  private @Nullable Path html;

  @Option(
      names = {"-q", "--quiet"},
      description = "Nothing while it runs.")
  private boolean quiet;

  Progress progress(PrintWriter err) {
    return quiet ? Progress.NONE : LiveView.on(err);
  }

  void write(PrintWriter out, Map<String, String> target, List<LoadResult> results)
      throws IOException {
    Environment environment = Environment.now();
    String title =
        TargetOptions.line(target) + "  (" + environment.commit() + ", " + environment.date() + ")";
    out.print(ReportTable.of(title, results));
    out.flush();
    if (json != null) {
      Files.writeString(json, ReportJson.of(environment, target, results));
    }
    if (csv != null) {
      Files.writeString(csv, ReportCsv.of(environment, target, results));
    }
    if (html != null) {
      Files.writeString(html, ReportHtml.of(environment, target, results));
    }
  }
}
