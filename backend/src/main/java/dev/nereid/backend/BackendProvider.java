package dev.nereid.backend;

import dev.nereid.config.proto.ModelConfig;
import java.util.Map;
import java.util.Set;

/**
 * A kind of model that can be run, found by {@link java.util.ServiceLoader}.
 *
 * <p><b>Threading.</b> One object per server; its methods are called by several loading threads at
 * once. They may block. A failure is a {@link dev.nereid.core.FaultException} whose message names
 * the file or field at fault, its value and what was expected.
 */
public interface BackendProvider {
  /** The name in {@code config.pbtxt}'s {@code backend}. */
  String name();

  /** The older names in {@code platform} that mean this back end; may be empty. */
  default Set<String> platforms() {
    return Set.of();
  }

  /** The file in a version directory when the configuration names none; empty for no file. */
  default String defaultModelFilename() {
    return "";
  }

  /** How many instances a CPU group has when the configuration does not say. */
  default int defaultCpuInstances() {
    return 1;
  }

  /**
   * What the model's own files say of its inputs and outputs, in the form of a configuration that
   * has just name, types, dims (without the batch dimension when {@code max_batch_size} is above
   * 0), {@code max_batch_size} and, where it suggests one, a scheduler. Fields the user wrote win
   * over it. A back end whose files say nothing returns the configuration as it is.
   *
   * @param declared what the user wrote; names, backend and file are filled in already
   */
  default ModelConfig complete(ModelConfig declared, ModelFiles files) {
    return declared;
  }

  /**
   * The same, with the options of {@code --backend-config=NAME,KEY=VALUE}. This is what a server
   * calls.
   */
  default ModelConfig complete(
      ModelConfig declared, ModelFiles files, Map<String, String> options) {
    return complete(declared, files);
  }

  /**
   * Opens one version of a model.
   *
   * @throws dev.nereid.core.FaultException when files and configuration do not agree, or something
   *     that the configuration asks for is not to be had on this machine
   */
  Model open(ModelContext context);
}
