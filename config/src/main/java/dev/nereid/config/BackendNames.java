package dev.nereid.config;

import dev.nereid.config.proto.ModelConfig;
import dev.nereid.core.Fault;
import dev.nereid.core.FaultException;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * Which back end a model needs, from what its configuration says or the files it has. Knows the
 * names that public model repositories use; whether such a back end is to be had is not known here.
 */
public final class BackendNames {
  /** Older names of a back end with its file format, and the back end they mean. */
  private static final Map<String, String> PLATFORMS =
      Map.of(
          "onnxruntime_onnx", "onnxruntime",
          "tensorrt_plan", "tensorrt",
          "pytorch_libtorch", "pytorch",
          "torch_aoti", "pytorch",
          "tensorflow_savedmodel", "tensorflow",
          "tensorflow_graphdef", "tensorflow");

  /** File or directory in a version directory, and platform and back end it is for. */
  private static final List<Signature> SIGNATURES =
      List.of(
          new Signature("model.onnx", "onnxruntime_onnx", "onnxruntime"),
          new Signature("model.plan", "tensorrt_plan", "tensorrt"),
          new Signature("model.pt", "pytorch_libtorch", "pytorch"),
          new Signature("model.pt2", "torch_aoti", "pytorch"),
          new Signature("model.savedmodel", "tensorflow_savedmodel", "tensorflow"),
          new Signature("model.graphdef", "tensorflow_graphdef", "tensorflow"),
          new Signature("model.xml", "", "openvino"),
          new Signature("model.py", "", "python"),
          new Signature("model.json", "", "vllm"),
          new Signature("model.jar", "", "java"));

  private static final Set<String> PLATFORM_FORMATS =
      Set.of("onnxruntime", "tensorrt", "pytorch", "tensorflow");

  private record Signature(String file, String platform, String backend) {}

  private BackendNames() {}

  /**
   * Fills in name, platform and back end.
   *
   * @param directory the name of the model's directory
   * @param files what lies in one of its version directories; may be empty
   * @throws FaultException when name and directory differ, or no back end can be made out
   */
  public static ModelConfig complete(
      ModelConfig config, String directory, Collection<String> files) {
    if (!config.getName().isEmpty() && !config.getName().equals(directory)) {
      throw FaultException.of(
          Fault.INVALID_ARGUMENT,
          "unexpected directory name '%s' for model '%s', directory name must equal model name"
              .formatted(directory, config.getName()));
    }
    ModelConfig.Builder result = config.toBuilder().setName(directory);
    if (ModelSpec.isEnsemble(config)) {
      return result.setPlatform(ModelSpec.ENSEMBLE).build();
    }
    if (config.getBackend().isEmpty()) {
      result.setBackend(backend(config, directory, files));
    }
    if (config.getPlatform().isEmpty()) {
      result.setPlatform(platform(result.getBackend(), config.getDefaultModelFilename(), files));
    }
    return result.build();
  }

  private static String backend(ModelConfig config, String directory, Collection<String> files) {
    String platform = config.getPlatform();
    if (!platform.isEmpty()) {
      return PLATFORMS.getOrDefault(platform, platform);
    }
    Signature signature = signature(config.getDefaultModelFilename(), files);
    if (signature != null) {
      return signature.backend;
    }
    int dot = directory.lastIndexOf('.');
    if (dot > 0 && dot < directory.length() - 1) {
      return directory.substring(dot + 1);
    }
    throw FaultException.of(
        Fault.INVALID_ARGUMENT,
        ("must specify 'platform' or 'backend' for '%s': none is written, and no file tells it"
                + " (looked for %s in its first version directory, which has %s)")
            .formatted(
                directory, SIGNATURES.stream().map(Signature::file).toList(), List.copyOf(files)));
  }

  private static String platform(String backend, String filename, Collection<String> files) {
    Signature signature = signature(filename, files);
    if (signature != null && signature.backend.equals(backend)) {
      return signature.platform;
    }
    boolean oneFormat = !backend.equals("tensorflow");
    return SIGNATURES.stream()
        .filter(known -> oneFormat && known.backend.equals(backend))
        .map(Signature::platform)
        .findFirst()
        .orElse("");
  }

  private static @Nullable Signature signature(String filename, Collection<String> files) {
    String suffix = filename.substring(Math.max(0, filename.lastIndexOf('.')));
    for (Signature signature : SIGNATURES) {
      boolean named = !suffix.isEmpty() && signature.file.equals("model" + suffix);
      if (filename.isEmpty() ? files.contains(signature.file) : named) {
        return signature;
      }
    }
    return null;
  }

  /** Records a platform and a back end that do not belong together. */
  static void check(ModelConfig config, Problems problems) {
    String platform = config.getPlatform();
    String backend = config.getBackend();
    if (ModelSpec.isEnsemble(config)) {
      problems.unless(
          backend.isEmpty() || backend.equals(ModelSpec.ENSEMBLE),
          "backend",
          "'" + backend + "'",
          "none, for platform 'ensemble'");
      return;
    }
    problems.unless(
        !platform.isEmpty() || !backend.isEmpty(),
        "must specify 'platform' or 'backend' for '" + config.getName() + "'",
        "neither is given",
        "a back end such as 'onnxruntime'");
    String meant = PLATFORMS.get(platform);
    problems.unless(
        platform.isEmpty()
            || backend.isEmpty()
            || platform.equals(backend)
            || (meant == null ? !PLATFORM_FORMATS.contains(backend) : meant.equals(backend)),
        "platform",
        "'" + platform + "' with backend '" + backend + "'",
        "a pair of " + new TreeMap<>(PLATFORMS));
  }
}
