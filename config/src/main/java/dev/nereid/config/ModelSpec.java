package dev.nereid.config;

import dev.nereid.config.proto.ModelConfig;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * A normalised and valid configuration in the form that requests are checked against, computed
 * once. Immutable.
 */
public final class ModelSpec {
  static final String ENSEMBLE = "ensemble";

  private final ModelConfig config;
  private final String platform;
  private final List<TensorSpec> inputs;
  private final List<TensorSpec> outputs;
  private final Map<String, Integer> inputIndexes;
  private final Map<String, TensorSpec> outputsByName;
  private final int requiredInputs;

  private ModelSpec(ModelConfig config) {
    this.config = config;
    platform = config.getPlatform().isEmpty() ? config.getBackend() : config.getPlatform();
    boolean batching = config.getMaxBatchSize() > 0;
    inputs = config.getInputList().stream().map(i -> TensorSpec.of(i, batching)).toList();
    outputs = config.getOutputList().stream().map(o -> TensorSpec.of(o, batching)).toList();
    inputIndexes = HashMap.newHashMap(inputs.size());
    for (int i = 0; i < inputs.size(); i++) {
      inputIndexes.put(inputs.get(i).name(), i);
    }
    outputsByName = HashMap.newHashMap(outputs.size());
    outputs.forEach(output -> outputsByName.put(output.name(), output));
    requiredInputs = (int) inputs.stream().filter(input -> !input.optional()).count();
  }

  /**
   * The view of a configuration.
   *
   * @throws IllegalArgumentException when it is not valid, see {@link ConfigValidator}
   */
  public static ModelSpec of(ModelConfig config) {
    return new ModelSpec(config);
  }

  static boolean isEnsemble(ModelConfig config) {
    return config.hasEnsembleScheduling() || config.getPlatform().equals(ENSEMBLE);
  }

  /** The configuration this is a view of. */
  public ModelConfig config() {
    return config;
  }

  /** The model's name. */
  public String name() {
    return config.getName();
  }

  /** What metadata shows as platform: the configuration's platform, else its back end. */
  public String platform() {
    return platform;
  }

  /** The largest batch; 0 when tensors have no batch dimension. */
  public int maxBatchSize() {
    return config.getMaxBatchSize();
  }

  /** Whether tensors have a batch dimension. */
  public boolean batching() {
    return config.getMaxBatchSize() > 0;
  }

  /** The inputs, in the order declared. */
  public List<TensorSpec> inputs() {
    return inputs;
  }

  /** The outputs, in the order declared. */
  public List<TensorSpec> outputs() {
    return outputs;
  }

  /** The input of that name, or null. */
  public @Nullable TensorSpec input(String name) {
    Integer index = inputIndexes.get(name);
    return index == null ? null : inputs.get(index);
  }

  /** The output of that name, or null. */
  public @Nullable TensorSpec output(String name) {
    return outputsByName.get(name);
  }

  /** How many inputs a request has to give at least. */
  public int requiredInputs() {
    return requiredInputs;
  }

  /** Whether requests are answered by other models' work. */
  public boolean isEnsemble() {
    return isEnsemble(config);
  }

  /** Whether a request may be answered by any number of responses. */
  public boolean decoupled() {
    return config.getModelTransactionPolicy().getDecoupled();
  }

  /** Output name to label file, for the outputs that have one. */
  public Map<String, String> labelFiles() {
    Map<String, String> files = HashMap.newHashMap(outputs.size());
    for (TensorSpec output : outputs) {
      if (!output.labelFilename().isEmpty()) {
        files.put(output.name(), output.labelFilename());
      }
    }
    return files;
  }

  /** The position of an input, or -1; the guess is tried before the table. */
  int inputIndex(String name, int guess) {
    if (guess < inputs.size() && inputs.get(guess).name().equals(name)) {
      return guess;
    }
    Integer index = inputIndexes.get(name);
    return index == null ? -1 : index;
  }
}
