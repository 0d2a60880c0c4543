package dev.nereid.app;

import dev.nereid.client.Upstreams;
import dev.nereid.config.BackendNames;
import dev.nereid.config.ConfigText;
import dev.nereid.config.proto.ModelConfig;
import dev.nereid.config.proto.ModelEnsembling;
import dev.nereid.config.proto.ModelInput;
import dev.nereid.core.FaultException;
import dev.nereid.repository.ModelEntry;
import dev.nereid.repository.ModelRepository;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The image steps of a repository without its networks, for a gateway whose networks run on remote
 * servers: a directory of its own, in which preprocessing makes pixels in the type and size that
 * the servers' networks take.
 *
 * @param directory a repository of image steps only; removed on closing
 * @param ensembles those that need no other models than image steps and remote ones
 */
record ImageSteps(Path directory, List<ModelConfig> ensembles) implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(ImageSteps.class);
  private static final String IMAGE = "image";

  ImageSteps {
    ensembles = List.copyOf(ensembles);
  }

  /** The image steps of these repositories. */
  static ImageSteps of(List<Path> repositories, String configName, Upstreams upstreams) {
    Map<String, ModelConfig> steps = new HashMap<>();
    Map<String, ModelEntry> entries = new HashMap<>();
    List<ModelConfig> ensembles = new ArrayList<>();
    for (ModelEntry entry :
        new ModelRepository(repositories, configName).scan().models().values()) {
      ModelConfig declared = declared(entry);
      if (declared == null) {
        continue;
      }
      if (declared.hasEnsembleScheduling()) {
        ensembles.add(declared);
      } else if (declared.getBackend().equals(IMAGE)) {
        steps.put(entry.name(), declared);
        entries.put(entry.name(), entry);
      }
    }
    try {
      Path directory = Files.createTempDirectory("nereid-image-steps-");
      for (ModelConfig step : steps.values()) {
        ModelEntry entry = entries.get(step.getName());
        if (entry != null) {
          write(directory, entry, adapted(step, ensembles, upstreams));
        }
      }
      return new ImageSteps(directory, ensembles);
    } catch (IOException e) {
      throw new Mishap("image steps: cannot be written to the temporary directory: " + e);
    }
  }

  private static @Nullable ModelConfig declared(ModelEntry entry) {
    if (entry.problem() != null) {
      return null;
    }
    try {
      return BackendNames.complete(entry.declared(), entry.name(), entry.versionFiles());
    } catch (FaultException e) {
      LOG.warn("{}", e.failure().message());
      return null;
    }
  }

  private static void write(Path directory, ModelEntry entry, ModelConfig config)
      throws IOException {
    Path model = Files.createDirectory(directory.resolve(entry.name()));
    Files.writeString(model.resolve("config.pbtxt"), ConfigText.print(config));
    for (long version : entry.versions()) {
      Files.createDirectory(model.resolve(Long.toString(version)));
    }
    for (var output : config.getOutputList()) {
      String labels = output.getLabelFilename();
      Path copy = model.resolve(labels);
      if (!labels.isEmpty() && !Files.exists(copy)) {
        Files.copy(entry.directory().resolve(labels), copy);
      }
    }
  }

  /** A step whose first output feeds a remote network makes what that takes. */
  private static ModelConfig adapted(
      ModelConfig step, List<ModelConfig> ensembles, Upstreams upstreams) {
    if (step.getOutputCount() == 0) {
      return step;
    }
    String pixels = step.getOutput(0).getName();
    for (ModelConfig ensemble : ensembles) {
      for (ModelEnsembling.Step each : ensemble.getEnsembleScheduling().getStepList()) {
        String tensor = each.getOutputMapMap().get(pixels);
        if (tensor != null && each.getModelName().equals(step.getName())) {
          ModelInput taken = taken(ensemble, tensor, upstreams);
          if (taken != null) {
            return with(step, taken);
          }
        }
      }
    }
    return step;
  }

  private static @Nullable ModelInput taken(
      ModelConfig ensemble, String tensor, Upstreams upstreams) {
    for (ModelEnsembling.Step step : ensemble.getEnsembleScheduling().getStepList()) {
      for (Map.Entry<String, String> edge : step.getInputMapMap().entrySet()) {
        if (edge.getValue().equals(tensor) && upstreams.isKnown(step.getModelName())) {
          for (ModelInput input : upstreams.config(step.getModelName()).getInputList()) {
            if (input.getName().equals(edge.getKey())) {
              return input;
            }
          }
        }
      }
    }
    return null;
  }

  private static ModelConfig with(ModelConfig step, ModelInput taken) {
    ModelConfig.Builder adapted = step.toBuilder();
    adapted.getOutputBuilder(0).setDataType(taken.getDataType());
    boolean sized =
        taken.getDimsCount() == 3 && taken.getDimsList().stream().allMatch(dim -> dim > 0);
    if (sized) {
      adapted.getOutputBuilder(0).clearDims().addAllDims(taken.getDimsList());
    }
    return adapted.build();
  }

  @Override
  public void close() {
    try (Stream<Path> files = Files.walk(directory)) {
      for (Path file : files.sorted((a, b) -> b.compareTo(a)).toList()) {
        Files.delete(file);
      }
    } catch (IOException e) {
      LOG.warn("image steps: {} is left behind: {}", directory, e.toString());
    }
  }
}
