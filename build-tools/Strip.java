import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import java.util.zip.ZipEntry;
import java.util.zip.ZipFile;
import java.util.zip.ZipOutputStream;

/**
 * Copies a folder of jars without what one machine never loads: native libraries of other machines,
 * debug symbols, headers, scripts and sample data.
 */
final class Strip {
  private static final String ONNX_NATIVE = "ai/onnxruntime/native/";

  /** Machines by their name in the build, and what ONNX Runtime calls them. */
  private static final Map<String, String> ONNX_MACHINES =
      Map.of(
          "linux-x86_64", "linux-x64",
          "linux-arm64", "linux-aarch64",
          "macosx-arm64", "osx-aarch64");

  private static final List<String> NEVER_LOADED =
      List.of(".dSYM/", "/include/", "/python/", "/share/");

  public static void main(String[] args) throws IOException {
    Path from = Path.of(args[0]);
    Path to = Path.of(args[1]);
    String machine = ONNX_MACHINES.get(args[2]);
    if (machine == null) {
      throw new IllegalArgumentException("machine: " + args[2] + " (expected: one of " + ONNX_MACHINES.keySet() + ")");
    }
    if (Files.exists(to)) {
      try (Stream<Path> old = Files.list(to)) {
        for (Path file : old.toList()) {
          Files.delete(file);
        }
      }
    }
    Files.createDirectories(to);
    try (Stream<Path> jars = Files.list(from)) {
      for (Path jar : jars.filter(file -> file.toString().endsWith(".jar")).toList()) {
        copy(jar, to.resolve(jar.getFileName()), machine);
      }
    }
  }

  private static void copy(Path from, Path to, String machine) throws IOException {
    try (ZipFile jar = new ZipFile(from.toFile())) {
      if (jar.stream().allMatch(entry -> isWanted(entry.getName(), machine))) {
        Files.copy(from, to, StandardCopyOption.COPY_ATTRIBUTES);
        return;
      }
      try (ZipOutputStream out = new ZipOutputStream(Files.newOutputStream(to))) {
        for (ZipEntry entry : jar.stream().map(ZipEntry.class::cast).toList()) {
          if (isWanted(entry.getName(), machine)) {
            ZipEntry kept = new ZipEntry(entry.getName());
            kept.setTime(entry.getTime());
            out.putNextEntry(kept);
            jar.getInputStream(entry).transferTo(out);
          }
        }
      }
    }
  }

  private static boolean isWanted(String entry, String machine) {
    if (entry.startsWith(ONNX_NATIVE) && !entry.equals(ONNX_NATIVE)) {
      return entry.startsWith(ONNX_NATIVE + machine + "/") && !entry.contains(".dSYM/");
    }
    return !entry.startsWith("org/bytedeco/") || NEVER_LOADED.stream().noneMatch(entry::contains);
  }
}
