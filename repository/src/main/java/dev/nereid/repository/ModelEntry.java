package dev.nereid.repository;

import dev.nereid.config.ConfigText;
import dev.nereid.config.proto.ModelConfig;
import dev.nereid.core.Fault;
import dev.nereid.core.FaultException;
import java.io.IOException;
import java.nio.charset.CharacterCodingException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collections;
import java.util.List;
import java.util.SortedSet;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * One model as it lies in a repository. Immutable; its methods read the disk, which may have
 * changed since.
 *
 * @param name of the model, which is its directory's
 * @param directory of the model
 * @param configFile the text to read; null when there is none
 * @param versions the version directories there are; may be empty
 * @param fingerprint what its files look like
 * @param given the configuration that counts instead of the file; null for the file
 * @param problem why it cannot be served whatever it holds; null when nothing is known against it
 */
public record ModelEntry(
    String name,
    Path directory,
    @Nullable Path configFile,
    SortedSet<Long> versions,
    Fingerprint fingerprint,
    @Nullable ModelConfig given,
    @Nullable String problem) {
  /** A configuration above this size, in bytes, is not one. */
  static final int MAX_CONFIG_BYTES = 4 << 20;

  /** Copies the versions. */
  public ModelEntry {
    versions = Collections.unmodifiableSortedSet(new TreeSet<>(versions));
  }

  /** The same model under a configuration that counts instead of its file. */
  public ModelEntry with(ModelConfig config) {
    return new ModelEntry(name, directory, configFile, versions, fingerprint, config, problem);
  }

  /**
   * What the user wrote; an empty configuration when there is no file.
   *
   * @throws FaultException when the file cannot be read, or is not a configuration
   */
  public ModelConfig declared() {
    ModelConfig instead = given;
    if (instead != null) {
      return instead;
    }
    Path file = configFile;
    if (file == null) {
      return ModelConfig.getDefaultInstance();
    }
    try {
      long bytes = Files.size(file);
      if (bytes > MAX_CONFIG_BYTES) {
        throw FaultException.of(
            Fault.TOO_LARGE,
            "failed to read text proto from %s: %d bytes (expected: at most %d)"
                .formatted(file, bytes, MAX_CONFIG_BYTES));
      }
      return ConfigText.parse(Files.readString(file), file.toString());
    } catch (CharacterCodingException e) {
      throw new FaultException(
          Fault.INVALID_ARGUMENT.with(
              "failed to read text proto from " + file + ": bytes that are not UTF-8"),
          e);
    } catch (IOException e) {
      throw new FaultException(
          Fault.INVALID_ARGUMENT.with(
              "failed to read text proto from " + file + ": " + Reading.reason(e)),
          e);
    }
  }

  /** The directory of one version, whether it is there or not. */
  public Path versionDirectory(long version) {
    return directory.resolve(Long.toString(version));
  }

  /**
   * The names of what lies in the lowest version's directory, sorted; empty without a version.
   *
   * @throws FaultException when it cannot be read
   */
  public List<String> versionFiles() {
    if (versions.isEmpty()) {
      return List.of();
    }
    Path version = versionDirectory(versions.first());
    try (Stream<Path> files = Files.list(version)) {
      return files.map(Reading::name).sorted().toList();
    } catch (IOException e) {
      throw new FaultException(
          Fault.INVALID_ARGUMENT.with("version directory " + version + ": " + Reading.reason(e)),
          e);
    }
  }
}
