package dev.nereid.backend.image;

import dev.nereid.config.ModelSpec;
import dev.nereid.config.TensorSpec;
import dev.nereid.config.proto.ModelConfig;
import dev.nereid.config.proto.ModelInput;
import dev.nereid.config.proto.ModelOutput;
import dev.nereid.core.DataType;
import dev.nereid.image.Fit;
import dev.nereid.image.ImageLimits;
import dev.nereid.image.Interpolation;
import dev.nereid.image.Letterbox;
import dev.nereid.image.PixelFormat;
import dev.nereid.image.Recipe;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The inputs and outputs of a preprocessing step, and the recipe that its configuration makes.
 *
 * @param input the name of the encoded pictures
 * @param inputType BYTES for one element each, UINT8 for plain bytes of ragged length
 * @param pixels the output with the network's input
 * @param letterbox the output with the geometry, or null
 * @param timeoutMillis how long a batch may take to decode
 */
record PreprocessTensors(
    String input,
    DataType inputType,
    TensorSpec pixels,
    @Nullable TensorSpec letterbox,
    Recipe recipe,
    int timeoutMillis) {
  static final String LETTERBOX = "letterbox";

  /** How a picture is brought to size, as the configuration writes it. */
  private enum Resize {
    LETTERBOX,
    CENTER_CROP,
    STRETCH
  }

  private enum Color {
    RGB,
    BGR
  }

  private enum Layout {
    NCHW,
    NHWC
  }

  private enum Exif {
    APPLY,
    IGNORE
  }

  /** Gives a configuration without tensors the usual ones. */
  static ModelConfig complete(ModelConfig declared, Parameters parameters) {
    ModelConfig.Builder config = declared.toBuilder();
    if (declared.getInputCount() == 0) {
      config.addInput(
          ModelInput.newBuilder()
              .setName("image")
              .setDataType(TensorSpec.configType(DataType.BYTES))
              .addDims(1));
    }
    if (declared.getOutputCount() == 0) {
      boolean letterboxed =
          parameters.choice("resize", Resize.values(), Resize.LETTERBOX) == Resize.LETTERBOX;
      int side = letterboxed ? 640 : 224;
      config.addOutput(
          ModelOutput.newBuilder()
              .setName("images")
              .setDataType(TensorSpec.configType(DataType.FP32))
              .addAllDims(List.of(3L, (long) side, (long) side)));
      if (letterboxed) {
        config.addOutput(
            ModelOutput.newBuilder()
                .setName(LETTERBOX)
                .setDataType(TensorSpec.configType(DataType.FP32))
                .addDims(Letterbox.FLOATS));
      }
    }
    return config.build();
  }

  static PreprocessTensors of(ModelSpec spec, Parameters parameters) {
    if (spec.inputs().size() != 1) {
      throw parameters.refusal(spec.inputs().size() + " inputs", "one, the encoded picture");
    }
    TensorSpec input = spec.inputs().getFirst();
    boolean ragged = input.type() == DataType.UINT8 && input.dims().rank() == 1;
    boolean element =
        input.type() == DataType.BYTES
            && input.dims().isConcrete()
            && input.dims().elementCount() == 1;
    if (!ragged && !element) {
      throw parameters.refusal(
          "input '" + input.name() + "': " + input.type().configName() + " " + input.dims(),
          "TYPE_STRING [1], or TYPE_UINT8 [-1] with allow_ragged_batch");
    }
    if (spec.outputs().isEmpty()) {
      throw parameters.refusal("no outputs", "the pixels, and letterbox if it is wanted");
    }
    TensorSpec pixels = spec.outputs().getFirst();
    return new PreprocessTensors(
        input.name(),
        input.type(),
        pixels,
        letterbox(spec, parameters),
        recipe(pixels, parameters),
        parameters.whole("decode_timeout_ms", 10_000, 1));
  }

  private static @Nullable TensorSpec letterbox(ModelSpec spec, Parameters parameters) {
    TensorSpec found = null;
    for (TensorSpec output : spec.outputs().subList(1, spec.outputs().size())) {
      if (!output.name().equals(LETTERBOX)
          || output.type() != DataType.FP32
          || !output.dims().isConcrete()
          || output.dims().elementCount() != Letterbox.FLOATS) {
        throw parameters.refusal(
            "output '" + output.name() + "': " + output.type().configName() + " " + output.dims(),
            "after the pixels just '" + LETTERBOX + "', TYPE_FP32 [" + Letterbox.FLOATS + "]");
      }
      found = output;
    }
    return found;
  }

  private static Recipe recipe(TensorSpec pixels, Parameters parameters) {
    boolean channelsFirst = channelsFirst(pixels, parameters);
    int height = (int) pixels.dims().dim(channelsFirst ? 1 : 0);
    int width = (int) pixels.dims().dim(channelsFirst ? 2 : 1);
    try {
      return new Recipe(
          width,
          height,
          fit(parameters),
          parameters.choice("interpolation", Interpolation.values(), Interpolation.LINEAR),
          format(pixels.type(), channelsFirst, parameters),
          decoding(parameters));
    } catch (IllegalArgumentException e) {
      throw parameters.refusal(
          "parameters or output '" + pixels.name() + "'", String.valueOf(e.getMessage()));
    }
  }

  private static boolean channelsFirst(TensorSpec pixels, Parameters parameters) {
    if (pixels.dims().rank() == 3 && pixels.dims().isConcrete()) {
      boolean first = pixels.dims().dim(0) == 3;
      boolean last = pixels.dims().dim(2) == 3;
      Layout asked =
          parameters.choice("layout", Layout.values(), first ? Layout.NCHW : Layout.NHWC);
      if (asked == Layout.NCHW ? first : last) {
        return asked == Layout.NCHW;
      }
    }
    throw parameters.refusal(
        "output '" + pixels.name() + "': dims " + pixels.dims(),
        "[3,height,width] or" + " [height,width,3], as parameter layout says if it is given");
  }

  private static Fit fit(Parameters parameters) {
    return switch (parameters.choice("resize", Resize.values(), Resize.LETTERBOX)) {
      case LETTERBOX ->
          new Fit.Letterboxed(
              parameters.flag("scaleup", true), (int) parameters.whole("fill", 114, 0, 255));
      case CENTER_CROP -> new Fit.CenterCropped(parameters.whole("shorter_side", 0, 1));
      case STRETCH -> new Fit.Stretched();
    };
  }

  private static PixelFormat format(DataType type, boolean channelsFirst, Parameters parameters) {
    return new PixelFormat(
        type,
        channelsFirst,
        parameters.choice("color", Color.values(), Color.RGB) == Color.RGB,
        parameters.number("scale", type == DataType.UINT8 ? 1 : 1 / 255.0),
        parameters.numbers("mean", 3, 0),
        parameters.numbers("std", 3, 1));
  }

  private static Recipe.Decoding decoding(Parameters parameters) {
    ImageLimits usual = ImageLimits.DEFAULT;
    ImageLimits limits =
        new ImageLimits(
            parameters.whole("max_encoded_bytes", usual.maxEncodedBytes(), 1),
            parameters.whole("max_pixels", usual.maxPixels(), 1, Integer.MAX_VALUE),
            parameters.whole("max_side", usual.maxSide(), 1),
            parameters.whole("max_scans", usual.maxScans(), 1));
    return new Recipe.Decoding(
        limits,
        parameters.choice("exif_orientation", Exif.values(), Exif.APPLY) == Exif.APPLY,
        parameters.flag("reduced_decode", false));
  }
}
