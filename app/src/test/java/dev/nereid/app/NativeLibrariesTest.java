package dev.nereid.app;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Objects;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class NativeLibrariesTest {
  @TempDir Path cache;

  @Test
  void theLibrariesAreUnpackedOnce() throws Exception {
    Path folder = Objects.requireNonNull(NativeLibraries.unpacked(cache));
    Path library = folder.resolve(System.mapLibraryName("onnxruntime"));
    assertThat(library).isNotEmptyFile();
    assertThat(folder.resolve(System.mapLibraryName("onnxruntime4j_jni"))).isNotEmptyFile();
    var written = Files.getLastModifiedTime(library);
    assertThat(NativeLibraries.unpacked(cache)).isEqualTo(folder);
    assertThat(Files.getLastModifiedTime(library)).isEqualTo(written);
    try (var inside = Files.list(cache)) {
      assertThat(inside).containsExactly(folder);
    }
  }
}
