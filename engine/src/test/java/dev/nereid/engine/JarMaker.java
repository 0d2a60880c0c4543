package dev.nereid.engine;

import java.io.IOException;
import java.io.OutputStream;
import java.io.StringWriter;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.jar.JarOutputStream;
import java.util.stream.Stream;
import java.util.zip.ZipEntry;
import javax.tools.ToolProvider;

/** Compiles sources against the test's own class path and packs them into a jar. */
final class JarMaker {
  private static final String SERVICE = "META-INF/services/dev.nereid.backend.BackendProvider";

  private final Path work;

  /** Works in that directory, which it fills. */
  JarMaker(Path work) {
    this.work = work;
  }

  /** A jar of that source alone, which offers that class. */
  void jar(Path jar, String provider, String source) {
    jar(jar, provider, List.of(written(provider, source)));
  }

  /** The file of a class. */
  Path written(String name, String source) {
    try {
      Path file = work.resolve("src").resolve(name.replace('.', '/') + ".java");
      Files.createDirectories(file.getParent());
      return Files.writeString(file, source);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** A jar of these sources, which offers those classes, one to a line. */
  void jar(Path jar, String providers, List<Path> sources) {
    try {
      Path classes = Files.createTempDirectory(work, "classes");
      compile(classes, sources);
      try (OutputStream out = Files.newOutputStream(jar);
          JarOutputStream packed = new JarOutputStream(out)) {
        add(packed, SERVICE, providers.getBytes(StandardCharsets.UTF_8));
        for (Path file : filesIn(classes)) {
          add(packed, classes.relativize(file).toString(), Files.readAllBytes(file));
        }
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static List<Path> filesIn(Path folder) throws IOException {
    try (Stream<Path> files = Files.walk(folder)) {
      return files.filter(Files::isRegularFile).toList();
    }
  }

  private static void add(JarOutputStream packed, String name, byte[] bytes) throws IOException {
    packed.putNextEntry(new ZipEntry(name));
    packed.write(bytes);
    packed.closeEntry();
  }

  private static void compile(Path target, List<Path> sources) {
    var compiler = ToolProvider.getSystemJavaCompiler();
    StringWriter told = new StringWriter();
    var files = compiler.getStandardFileManager(null, null, null);
    var options =
        List.of(
            "-proc:none",
            "-classpath",
            System.getProperty("java.class.path"),
            "-d",
            target.toString());
    var units = files.getJavaFileObjectsFromPaths(sources);
    if (!compiler.getTask(told, files, null, options, null, units).call()) {
      throw new AssertionError("does not compile:\n" + told);
    }
  }
}
