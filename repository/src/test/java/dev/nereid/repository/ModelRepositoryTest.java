package dev.nereid.repository;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.nereid.config.proto.ModelConfig;
import dev.nereid.core.FaultException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

final class ModelRepositoryTest {
  @TempDir Path root;

  @Test
  void anEmptyRepositoryIsFine() {
    assertThat(scan().models()).isEmpty();
  }

  @Test
  void aModelIsItsDirectory() throws IOException {
    write("m/config.pbtxt", "max_batch_size: 3");
    write("m/1/model.onnx", "");
    write("m/1/extra.bin", "");
    write("m/10/model.onnx", "");
    ModelEntry entry = model("m");
    assertThat(entry.name()).isEqualTo("m");
    assertThat(entry.directory()).isEqualTo(root.resolve("m"));
    assertThat(entry.versions()).containsExactly(1L, 10L);
    assertThat(entry.problem()).isNull();
    assertThat(entry.declared().getMaxBatchSize()).isEqualTo(3);
    assertThat(entry.versionFiles()).containsExactly("extra.bin", "model.onnx");
    assertThat(entry.versionDirectory(10)).isEqualTo(root.resolve("m/10"));
  }

  @Test
  void aModelMayHaveNoConfigurationAndNoVersion() throws IOException {
    Files.createDirectory(root.resolve("m"));
    ModelEntry entry = model("m");
    assertThat(entry.configFile()).isNull();
    assertThat(entry.declared().getSerializedSize()).isZero();
    assertThat(entry.versions()).isEmpty();
    assertThat(entry.versionFiles()).isEmpty();
  }

  @Test
  void filesBesideModelsAreIgnoredAndOddDirectoriesNamed() throws IOException {
    write("README.md", "");
    write(".git/config", "");
    write("m/labels.txt", "");
    for (String directory :
        List.of(
            "1", "02", "0", "v3", "99999999999999999999", "warmup", "initial_state", "configs")) {
      Files.createDirectories(root.resolve("m").resolve(directory));
    }
    RepositorySnapshot snapshot = scan();
    assertThat(snapshot.models()).containsOnlyKeys("m");
    assertThat(model("m").versions()).containsExactly(1L);
    assertThat(snapshot.warnings())
        .hasSize(5)
        .anyMatch(w -> w.equals("ignored hidden directory " + root.resolve(".git")))
        .anyMatch(w -> w.contains("ignored directory " + root.resolve("m/02") + " "))
        .anyMatch(w -> w.contains("ignored directory " + root.resolve("m/v3") + " "));
  }

  @Test
  void aNamedConfigurationIsUsedWhereThereIsOne() throws IOException {
    write("a/config.pbtxt", "max_batch_size: 1");
    write("a/configs/big.pbtxt", "max_batch_size: 2");
    write("b/config.pbtxt", "max_batch_size: 3");
    RepositorySnapshot snapshot = new ModelRepository(List.of(root), "big").scan();
    assertThat(requireNonNull(snapshot.model("a")).declared().getMaxBatchSize()).isEqualTo(2);
    assertThat(requireNonNull(snapshot.model("b")).declared().getMaxBatchSize()).isEqualTo(3);
  }

  @Test
  void aModelInTwoRepositoriesIsServedFromNeither(@TempDir Path other) throws IOException {
    write("m/1/model.onnx", "");
    write("a/1/model.onnx", "");
    Files.createDirectories(other.resolve("m/1"));
    Files.createDirectories(other.resolve("b/1"));
    RepositorySnapshot snapshot = new ModelRepository(List.of(root, other), "").scan();
    assertThat(snapshot.models()).containsOnlyKeys("a", "b", "m");
    assertThat(requireNonNull(snapshot.model("m")).problem())
        .isEqualTo(
            "model 'm' is in more than one repository and therefore loaded from none: "
                + List.of(root.resolve("m"), other.resolve("m")));
    assertThat(requireNonNull(snapshot.model("a")).problem()).isNull();
    ModelEntry found = new ModelRepository(List.of(root, other), "").find("m");
    assertThat(requireNonNull(found).problem()).contains("more than one repository");
  }

  @Test
  void theSameRepositoryTwiceCountsOnce() throws IOException {
    write("m/1/model.onnx", "");
    Path again = root.resolve("m").resolve("..");
    RepositorySnapshot snapshot = new ModelRepository(List.of(root, again), "").scan();
    assertThat(requireNonNull(snapshot.model("m")).problem()).isNull();
  }

  @Test
  void oneModelIsFoundWithoutLookingAtTheOthers() throws IOException {
    write("m/1/model.onnx", "");
    write(".hidden/1/model.onnx", "");
    ModelRepository repository = new ModelRepository(List.of(root), "");
    assertThat(repository.find("m")).isEqualTo(model("m"));
    assertThat(repository.find("n")).isNull();
    assertThat(repository.find(".hidden")).isNull();
  }

  @ParameterizedTest
  @ValueSource(strings = {"", " ", ".", "..", "../m", "a/b", "/etc", "a\\b", "a\u0000b", "a\nb"})
  void aNameThatLeadsOutIsRefused(String name) {
    assertThatThrownBy(() -> new ModelRepository(List.of(root), "").find(name))
        .isInstanceOf(FaultException.class)
        .hasMessageStartingWith("invalid model name '");
  }

  @Test
  void aRootThatCannotBeReadIsNamed() throws IOException {
    Path missing = root.resolve("missing");
    assertThatThrownBy(() -> new ModelRepository(List.of(missing), "").scan())
        .isInstanceOf(FaultException.class)
        .hasMessage(
            "model repository %s: does not exist (expected: a directory that can be read)"
                .formatted(missing));
    write("file", "");
    assertThatThrownBy(() -> new ModelRepository(List.of(root.resolve("file")), "").scan())
        .hasMessageContaining("file: is not a directory");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> new ModelRepository(List.of(), ""))
        .withMessage("roots: [] (expected: at least one directory)");
  }

  @Test
  void whatCannotBeReadAsConfigurationSaysWhere() throws IOException {
    write("m/config.pbtxt", "max_batch_size: x");
    Path file = root.resolve("m/config.pbtxt");
    assertThatThrownBy(() -> model("m").declared())
        .hasMessageStartingWith("failed to read text proto from " + file + ":1:17: ");
    Files.write(file, new byte[] {(byte) 0xff, (byte) 0xfe});
    assertThatThrownBy(() -> model("m").declared())
        .hasMessageEndingWith("config.pbtxt: bytes that are not UTF-8");
    Files.write(file, new byte[ModelEntry.MAX_CONFIG_BYTES + 1]);
    assertThatThrownBy(() -> model("m").declared())
        .hasMessageContaining("(expected: at most 4194304)");
    ModelEntry gone = model("m");
    Files.delete(file);
    assertThatThrownBy(gone::declared).hasMessageEndingWith("config.pbtxt: does not exist");
  }

  @Test
  void aVersionThatIsGoneIsSaid() throws IOException {
    write("m/1/model.onnx", "");
    ModelEntry entry = model("m");
    Files.delete(root.resolve("m/1/model.onnx"));
    Files.delete(root.resolve("m/1"));
    assertThatThrownBy(entry::versionFiles)
        .hasMessage("version directory " + root.resolve("m/1") + ": does not exist");
  }

  @Test
  void aCircleOfLinksIsAProblemOfThatModelOnly() throws IOException {
    write("m/1/model.onnx", "");
    write("n/1/model.onnx", "");
    Files.createSymbolicLink(root.resolve("m/1/loop"), root.resolve("m"));
    assertThat(model("m").problem()).endsWith("a link leads back to a directory above it");
    assertThat(model("n").problem()).isNull();
  }

  @Test
  void aModelMayBeALink(@TempDir Path elsewhere) throws IOException {
    Files.createDirectories(elsewhere.resolve("1"));
    Files.createSymbolicLink(root.resolve("m"), elsewhere);
    assertThat(model("m").versions()).containsExactly(1L);
  }

  @Test
  void aModelIsSettledWhenTwoLooksSawTheSame() throws IOException {
    for (String name : List.of("gone", "same", "grown", "touched", "versioned")) {
      write(name + "/1/model.onnx", "x");
    }
    RepositorySnapshot before = scan();
    assertThat(unsettled(before, scan())).isEmpty();
    Files.delete(root.resolve("gone/1/model.onnx"));
    Files.delete(root.resolve("gone/1"));
    Files.delete(root.resolve("gone"));
    Path grown = root.resolve("grown/1/model.onnx");
    FileTime time = Files.getLastModifiedTime(grown);
    Files.writeString(grown, "xy");
    Files.setLastModifiedTime(grown, time);
    Files.setLastModifiedTime(
        root.resolve("touched/1/model.onnx"), FileTime.fromMillis(time.toMillis() + 5000));
    Files.createDirectory(root.resolve("versioned/2"));
    write("new/1/model.onnx", "x");
    RepositorySnapshot after = scan();
    assertThat(unsettled(before, after))
        .containsExactly("gone", "grown", "new", "touched", "versioned");
    assertThat(unsettled(after, scan())).isEmpty();
  }

  private static List<String> unsettled(RepositorySnapshot before, RepositorySnapshot after) {
    return Stream.of("gone", "grown", "new", "never", "same", "touched", "versioned")
        .filter(name -> !RepositorySnapshot.isSettled(before, after, name))
        .toList();
  }

  @Test
  void configurationVersionsAndWhatTheyShareAreToldApart() throws IOException {
    write("m/config.pbtxt", "max_batch_size: 1");
    write("m/labels.txt", "a");
    write("m/1/model.onnx", "x");
    write("m/2/model.onnx", "x");
    Fingerprint before = model("m").fingerprint();
    write("m/config.pbtxt", "max_batch_size: 10");
    write("m/2/model.onnx", "xy");
    Fingerprint after = model("m").fingerprint();
    assertThat(after.config()).isNotEqualTo(before.config());
    assertThat(after.sameVersion(before, 1)).isTrue();
    assertThat(after.sameVersion(before, 2)).isFalse();
    assertThat(after.sameVersion(before, 3)).isFalse();
    write("m/labels.txt", "ab");
    assertThat(model("m").fingerprint().sameVersion(after, 1)).isFalse();
  }

  @Test
  void aRepositoryThatWasMountedHereAndIsGoneIsTold() throws IOException {
    write("repo/m/1/model.onnx", "x");
    ModelRepository repository = new ModelRepository(List.of(root.resolve("repo")), "");
    RepositorySnapshot before = repository.scan();
    Files.move(root.resolve("repo"), root.resolve("elsewhere"));
    Files.createDirectory(root.resolve("repo"));
    assertThat(RepositorySnapshot.vanished(before, repository.scan()))
        .containsExactly(root.resolve("repo"));
    write("repo/m/1/model.onnx", "x");
    assertThat(RepositorySnapshot.vanished(before, repository.scan())).isEmpty();
  }

  @Test
  void aConfigurationThatIsGivenCountsInsteadOfTheFile() throws IOException {
    write("m/config.pbtxt", "max_batch_size: 1");
    ModelConfig given = ModelConfig.newBuilder().setMaxBatchSize(7).build();
    assertThat(model("m").with(given).declared()).isEqualTo(given);
    assertThat(model("m").with(given)).isNotEqualTo(model("m"));
    assertThat(new ModelRepository(List.of(root), "").names()).containsExactly("m");
  }

  private RepositorySnapshot scan() {
    return new ModelRepository(List.of(root), "").scan();
  }

  private ModelEntry model(String name) {
    return requireNonNull(scan().model(name));
  }

  private void write(String path, String content) throws IOException {
    Path file = root.resolve(path);
    Files.createDirectories(requireNonNull(file.getParent()));
    Files.writeString(file, content);
  }
}
