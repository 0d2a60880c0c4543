package dev.nereid.app;

import ai.onnxruntime.OrtEnvironment;
import java.io.IOException;
import java.io.InputStream;
import java.net.URL;
import java.nio.file.DirectoryNotEmptyException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * Unpacks ONNX Runtime's native libraries once, into the installation's cache. Left to itself the
 * binding writes their thirty megabytes to the temporary folder at every start, and leaves them
 * there when the process is killed.
 */
final class NativeLibraries {
  private static final String PROPERTY = "onnxruntime.native.path";

  private NativeLibraries() {}

  /** Has the libraries loaded from the cache, where there is one and nobody said otherwise. */
  static void useCached(Installation installation) {
    Path cache = installation.cache();
    if (cache == null || System.getProperty(PROPERTY) != null) {
      return;
    }
    try {
      Path folder = unpacked(cache);
      if (folder != null) {
        System.setProperty(PROPERTY, folder.toString());
      }
    } catch (IOException e) {
      return; // the binding then does it in its own way
    }
  }

  /** The folder with the libraries, made where it is missing; null when there are none here. */
  static @Nullable Path unpacked(Path cache) throws IOException {
    String place = "/ai/onnxruntime/native/" + machine() + "/";
    List<String> names =
        List.of(System.mapLibraryName("onnxruntime"), System.mapLibraryName("onnxruntime4j_jni"));
    URL library = OrtEnvironment.class.getResource(place + names.getFirst());
    if (library == null) {
      return null;
    }
    long size = library.openConnection().getContentLengthLong();
    Path folder = cache.resolve("onnxruntime-" + machine() + "-" + size);
    if (Files.isDirectory(folder)) {
      return folder;
    }
    Path work = Files.createTempDirectory(Files.createDirectories(cache), "unpacking-");
    try {
      for (String name : names) {
        try (InputStream in = OrtEnvironment.class.getResourceAsStream(place + name)) {
          if (in == null) {
            return null;
          }
          Files.copy(in, work.resolve(name));
        }
      }
      Files.move(work, folder, StandardCopyOption.ATOMIC_MOVE);
    } catch (FileAlreadyExistsException | DirectoryNotEmptyException _) {
      return folder; // another start was faster; its copy is as good
    } finally {
      discard(work, names);
    }
    return folder;
  }

  /** Deletes what could not be moved, so that a full disk does not get fuller at every start. */
  private static void discard(Path work, List<String> names) throws IOException {
    for (String name : names) {
      Files.deleteIfExists(work.resolve(name));
    }
    Files.deleteIfExists(work);
  }

  private static String machine() {
    String system = System.getProperty("os.name").toLowerCase(Locale.ROOT);
    String processor = System.getProperty("os.arch");
    return (system.contains("mac") ? "osx" : "linux")
        + (processor.equals("amd64") || processor.equals("x86_64") ? "-x64" : "-aarch64");
  }
}
