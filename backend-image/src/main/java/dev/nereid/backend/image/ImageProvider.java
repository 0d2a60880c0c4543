package dev.nereid.backend.image;

import dev.nereid.backend.BackendProvider;
import dev.nereid.backend.Model;
import dev.nereid.backend.ModelContext;
import dev.nereid.backend.ModelFiles;
import dev.nereid.config.ModelSpec;
import dev.nereid.config.proto.ModelConfig;
import java.util.Set;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * The back end {@code image}: steps that turn pictures into tensors and tensors into answers, as
 * members of ordinary ensembles. The parameter {@code step} says which; a version directory may be
 * empty.
 *
 * <p><b>Threading.</b> As the contract says. All models of one provider decode on one pool of
 * threads, as many as the server may use cores.
 */
public final class ImageProvider implements BackendProvider {
  private final ReentrantLock poolMaking = new ReentrantLock();
  private @Nullable DecodePool pool; // guarded by poolMaking

  /** For {@link java.util.ServiceLoader}. */
  public ImageProvider() {}

  @Override
  public String name() {
    return "image";
  }

  @Override
  public Set<String> platforms() {
    return Set.of();
  }

  /** Two, so that a batch of small pictures need not wait for a big one in the batch before. */
  @Override
  public int defaultCpuInstances() {
    return 2;
  }

  @Override
  public ModelConfig complete(ModelConfig declared, ModelFiles files) {
    Parameters parameters = new Parameters(declared);
    return switch (Step.of(parameters)) {
      case PREPROCESS -> PreprocessTensors.complete(declared, parameters);
      case YOLO_POSTPROCESS -> YoloModel.complete(declared, parameters);
      case CLASSIFY_POSTPROCESS -> ClassifyModel.complete(declared, parameters);
      case L2_NORMALIZE -> NormalizeModel.complete(declared);
    };
  }

  @Override
  public Model open(ModelContext context) {
    ModelSpec spec = ModelSpec.of(context.config());
    Parameters parameters = new Parameters(context.config());
    Model model =
        switch (Step.of(parameters)) {
          case PREPROCESS -> PreprocessModel.open(spec, parameters, poolOf(context.cores()));
          case YOLO_POSTPROCESS -> YoloModel.open(spec, parameters);
          case CLASSIFY_POSTPROCESS -> ClassifyModel.open(spec, parameters);
          case L2_NORMALIZE -> NormalizeModel.open(spec);
        };
    parameters.requireAllKnown();
    return model;
  }

  private DecodePool poolOf(int cores) {
    poolMaking.lock();
    try {
      if (pool == null) {
        pool = new DecodePool(cores);
      }
      return pool;
    } finally {
      poolMaking.unlock();
    }
  }
}
