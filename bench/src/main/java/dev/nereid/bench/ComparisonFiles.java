package dev.nereid.bench;

import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** Where a long comparison keeps its points, and its report. */
final class ComparisonFiles {
  @Option(
      names = "--resume",
      paramLabel = "FILE",
      description = "Keeps every point measured in FILE, and does not measure it again.")
  private @Nullable Path state;

  @Option(
      names = {"-o", "--report"},
      paramLabel = "FILE",
      description = "Writes the report, as Markdown, to FILE too.")
  private @Nullable Path report;

  /** The points measured so far, to be added to. */
  CellStore store() throws IOException {
    return new CellStore(state);
  }

  /** Prints a report, and writes it to its file. */
  void write(String text, PrintWriter out) throws IOException {
    out.print(text);
    out.flush();
    if (report != null) {
      Files.writeString(report, text);
    }
  }
}
