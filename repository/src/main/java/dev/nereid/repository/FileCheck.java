package dev.nereid.repository;

import dev.nereid.config.proto.ModelConfig;
import dev.nereid.config.proto.ModelOutput;
import dev.nereid.config.proto.ModelSequenceBatching.InitialState;
import dev.nereid.config.proto.ModelSequenceBatching.State;
import dev.nereid.config.proto.ModelWarmup;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.stream.Stream;

/**
 * Whether the files are there that a configuration names: the model's own in every version, labels,
 * warm-up and initial data. Thread-safe; may block.
 */
public final class FileCheck {
  private static final int FILES_NAMED = 8;

  private final ModelEntry entry;
  private final List<String> problems = new ArrayList<>();

  private FileCheck(ModelEntry entry) {
    this.entry = entry;
  }

  /**
   * What is missing, or lies outside the model's directory; empty when all is there.
   *
   * @param config complete and normalised
   * @param versions those to be served
   */
  public static List<String> problems(
      ModelEntry entry, ModelConfig config, Collection<Long> versions) {
    FileCheck check = new FileCheck(entry);
    if (!config.getDefaultModelFilename().isEmpty()) {
      for (long version : versions) {
        check.require(
            "default_model_filename",
            entry.versionDirectory(version),
            config.getDefaultModelFilename());
      }
    }
    for (ModelOutput output : config.getOutputList()) {
      if (!output.getLabelFilename().isEmpty()) {
        check.require(
            "output '" + output.getName() + "'.label_filename",
            entry.directory(),
            output.getLabelFilename());
      }
    }
    check.warmups(config);
    check.states(config);
    return List.copyOf(check.problems);
  }

  private void warmups(ModelConfig config) {
    for (ModelWarmup warmup : config.getModelWarmupList()) {
      warmup
          .getInputsMap()
          .forEach(
              (name, input) -> {
                if (input.hasInputDataFile()) {
                  require(
                      "model_warmup '%s'.inputs['%s'].input_data_file"
                          .formatted(warmup.getName(), name),
                      entry.directory().resolve("warmup"),
                      input.getInputDataFile());
                }
              });
    }
  }

  private void states(ModelConfig config) {
    for (State state : config.getSequenceBatching().getStateList()) {
      for (InitialState initial : state.getInitialStateList()) {
        if (initial.hasDataFile()) {
          require(
              "sequence_batching state '%s'.initial_state.data_file"
                  .formatted(state.getInputName()),
              entry.directory().resolve("initial_state"),
              initial.getDataFile());
        }
      }
    }
  }

  private void require(String field, Path directory, String filename) {
    Path base = directory.normalize();
    Path file = base.resolve(filename).normalize();
    if (!file.startsWith(base) || file.equals(base)) {
      problems.add("%s: '%s' (expected: a file inside %s)".formatted(field, filename, directory));
    } else if (!Files.isReadable(file)) {
      String state = Files.exists(file) ? "cannot be read" : "does not exist";
      problems.add("%s: %s %s%s".formatted(field, file, state, neighbours(directory)));
    }
  }

  private static String neighbours(Path directory) {
    if (!Files.isDirectory(directory)) {
      return "; there is no directory " + directory;
    }
    try (Stream<Path> files = Files.list(directory)) {
      List<String> names = files.map(Reading::name).sorted().limit(FILES_NAMED).toList();
      return names.isEmpty() ? "; its directory is empty" : "; its directory holds " + names;
    } catch (IOException e) {
      return "; its directory " + Reading.reason(e);
    }
  }
}
