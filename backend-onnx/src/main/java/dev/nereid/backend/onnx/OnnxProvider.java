package dev.nereid.backend.onnx;

import ai.onnxruntime.OrtSession;
import dev.nereid.backend.BackendProvider;
import dev.nereid.backend.Model;
import dev.nereid.backend.ModelContext;
import dev.nereid.backend.ModelFiles;
import dev.nereid.config.proto.ModelConfig;
import java.nio.file.Path;
import java.util.Map;
import java.util.Set;

/**
 * The back end {@code onnxruntime}.
 *
 * <p>A model on the CPU has as many instances as there are cores, unless its configuration says
 * otherwise. They share one session, so weights are in memory once, and each runs on its own thread
 * alone: independent requests then use every core without threads that wait for each other. A model
 * with fewer instances gets the remaining cores as threads of the session.
 */
public final class OnnxProvider implements BackendProvider {
  static final String DEFAULT_FILENAME = "model.onnx";

  @Override
  public String name() {
    return "onnxruntime";
  }

  @Override
  public Set<String> platforms() {
    return Set.of("onnxruntime_onnx");
  }

  @Override
  public String defaultModelFilename() {
    return DEFAULT_FILENAME;
  }

  @Override
  public int defaultCpuInstances() {
    return Runtime.getRuntime().availableProcessors();
  }

  @Override
  public ModelConfig complete(ModelConfig declared, ModelFiles files) {
    return complete(declared, files, Map.of());
  }

  @Override
  public ModelConfig complete(ModelConfig declared, ModelFiles files, Map<String, String> options) {
    return GraphCompletion.needed(declared)
        ? new GraphCompletion(OnnxFile.read(file(declared, files)), options).complete(declared)
        : declared;
  }

  @Override
  public Model open(ModelContext context) {
    ModelConfig config = context.config();
    SessionSettings settings = SessionSettings.of(context);
    Path file = OnnxFile.locate(file(config, context.files()));
    OrtSession session = settings.open(file, context.files().version());
    try {
      GraphCheck.check(config, Sessions.inputs(session), Sessions.outputs(session));
      return new OnnxModel(config, session, settings);
    } catch (RuntimeException e) {
      Sessions.close(session);
      throw e;
    }
  }

  private static Path file(ModelConfig config, ModelFiles files) {
    String name = config.getDefaultModelFilename();
    return files.version().resolve(name.isEmpty() ? DEFAULT_FILENAME : name);
  }
}
