import com.google.googlejavaformat.java.Formatter;
import com.google.googlejavaformat.java.ImportOrderer;
import com.google.googlejavaformat.java.JavaFormatterOptions.Style;
import com.google.googlejavaformat.java.RemoveUnusedImports;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/** Checks, or with {@code write} mends, the format of every Java file below a folder. */
final class Format {
  public static void main(String[] args) throws Exception {
    boolean write = args[0].equals("write");
    List<Path> wrong =
        Sources.below(Path.of(args[1])).parallelStream().filter(file -> isWrong(file, write)).toList();
    if (write) {
      System.out.println("format: " + wrong.size() + " files rewritten");
    } else if (!wrong.isEmpty()) {
      wrong.forEach(file -> System.err.println("format: " + file));
      System.err.println("format: mend with ./mvnw -N validate -Dformat.mode=write");
      System.exit(1);
    }
  }

  /** Whether a file is badly formatted; it is not any more if it may be written. */
  private static boolean isWrong(Path file, boolean write) {
    try {
      String text = Files.readString(file);
      String formatted = format(text);
      if (formatted.equals(text)) {
        return false;
      }
      if (write) {
        Files.writeString(file, formatted);
      }
      return true;
    } catch (Exception e) {
      throw new IllegalStateException(file + ": " + e.getMessage(), e);
    }
  }

  private static String format(String text) throws Exception {
    String ordered = ImportOrderer.reorderImports(RemoveUnusedImports.removeUnusedImports(text), Style.GOOGLE);
    return new Formatter().formatSource(ordered);
  }
}
