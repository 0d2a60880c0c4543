package dev.nereid.backend.image;

import dev.nereid.backend.Batch;
import dev.nereid.backend.Instance;
import dev.nereid.backend.Model;
import dev.nereid.backend.Placement;
import dev.nereid.config.ModelSpec;
import dev.nereid.image.Fit;
import dev.nereid.image.Preprocessor;
import java.util.Locale;

/**
 * Encoded pictures in, a network's input out. The pixels of a whole batch lie in one block, in the
 * order of its requests, so that the next step can take them as one tensor without a copy.
 */
final class PreprocessModel implements Model {
  private final PreprocessTensors tensors;
  private final Preprocessor preprocessor;
  private final boolean batching;
  private final DecodePool pool;

  private PreprocessModel(PreprocessTensors tensors, boolean batching, DecodePool pool) {
    this.tensors = tensors;
    this.preprocessor = new Preprocessor(tensors.recipe());
    this.batching = batching;
    this.pool = pool;
  }

  static PreprocessModel open(ModelSpec spec, Parameters parameters, DecodePool pool) {
    return new PreprocessModel(PreprocessTensors.of(spec, parameters), spec.batching(), pool);
  }

  @Override
  public Instance newInstance(Placement placement) {
    return this::execute;
  }

  private void execute(Batch batch) {
    PreprocessBatch work = new PreprocessBatch(batch, tensors, preprocessor, batching);
    work.run(pool);
  }

  @Override
  public String summary() {
    String fit =
        switch (tensors.recipe().fit()) {
          case Fit.Letterboxed _ -> "letterbox";
          case Fit.CenterCropped _ -> "center_crop";
          case Fit.Stretched _ -> "stretch";
        };
    return String.format(
        Locale.ROOT, "%s to %dx%d", fit, tensors.recipe().width(), tensors.recipe().height());
  }

  @Override
  public void close() {}
}
