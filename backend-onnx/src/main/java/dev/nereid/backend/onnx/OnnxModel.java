package dev.nereid.backend.onnx;

import ai.onnxruntime.OrtSession;
import dev.nereid.backend.Instance;
import dev.nereid.backend.Model;
import dev.nereid.backend.Placement;
import dev.nereid.backend.Reshape;
import dev.nereid.backend.onnx.OnnxFile.Value;
import dev.nereid.config.proto.BatchInput;
import dev.nereid.config.proto.BatchOutput;
import dev.nereid.config.proto.ModelConfig;
import dev.nereid.config.proto.ModelInput;
import dev.nereid.config.proto.ModelOutput;
import dev.nereid.core.DataType;
import dev.nereid.core.Fault;
import dev.nereid.core.FaultException;
import dev.nereid.core.Shape;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** A session and what its instances need to know of its inputs and outputs. */
final class OnnxModel implements Model {
  private final OrtSession session;
  private final SessionSettings settings;
  private final List<Input> inputs;
  private final List<Output> outputs;
  private final boolean batching;

  /**
   * An input of the graph.
   *
   * @param ragged whether requests of different shapes are joined flat
   * @param made how it is made out of another input of the batch; null if requests bring it
   */
  record Input(
      String name, DataType type, Reshape reshape, boolean ragged, @Nullable BatchInput made) {}

  /**
   * An output of the graph that the configuration names.
   *
   * @param row the shape, without the batch dimension if the model batches, when it is known before
   *     the run and can be written in place; else null
   * @param like the input whose elements in each request tell how a flat output is cut; null for
   *     one that is cut by rows
   */
  record Output(
      String name, DataType type, Reshape reshape, @Nullable Shape row, @Nullable String like) {}

  OnnxModel(ModelConfig config, OrtSession session, SessionSettings settings) {
    this.session = session;
    this.settings = settings;
    batching = config.getMaxBatchSize() > 0;
    inputs = inputs(config, Sessions.inputs(session));
    outputs = outputs(config, Sessions.outputs(session));
  }

  private List<Input> inputs(ModelConfig config, List<Value> values) {
    List<Input> all = new ArrayList<>();
    for (Value value : values) {
      Reshape reshape = Reshape.none();
      boolean ragged = false;
      for (ModelInput input : config.getInputList()) {
        if (input.getName().equals(value.name())) {
          reshape = Reshape.of(input, batching);
          ragged = input.getAllowRaggedBatch();
        }
      }
      all.add(
          new Input(value.name(), typeOf(value), reshape, ragged, madeFor(config, value.name())));
    }
    return List.copyOf(all);
  }

  private List<Output> outputs(ModelConfig config, List<Value> values) {
    List<Output> all = new ArrayList<>();
    for (ModelOutput output : config.getOutputList()) {
      for (Value value : values) {
        if (value.name().equals(output.getName())) {
          DataType type = typeOf(value);
          String like = cutLike(config, value.name());
          Shape row = like == null ? row(value, type) : null;
          all.add(new Output(value.name(), type, Reshape.of(output, batching), row, like));
        }
      }
    }
    return List.copyOf(all);
  }

  private static @Nullable BatchInput madeFor(ModelConfig config, String name) {
    for (BatchInput made : config.getBatchInputList()) {
      if (made.getTargetNameList().contains(name)) {
        return made;
      }
    }
    return null;
  }

  private static @Nullable String cutLike(ModelConfig config, String name) {
    for (BatchOutput cut : config.getBatchOutputList()) {
      if (cut.getTargetNameList().contains(name)) {
        return cut.getSourceInput(0);
      }
    }
    return null;
  }

  private @Nullable Shape row(Value value, DataType type) {
    Shape shape = value.shape();
    if (shape == null || shape.rank() == 0 || !type.isFixedSize()) {
      return null;
    }
    Shape row = batching ? shape.inner() : shape;
    return row.isConcrete() ? row : null;
  }

  private static DataType typeOf(Value value) {
    DataType type = value.type();
    if (type == null) {
      throw FaultException.of(
          Fault.UNSUPPORTED, "tensor '" + value.name() + "': no type of the v2 protocol");
    }
    return type;
  }

  @Override
  public Instance newInstance(Placement placement) {
    if (placement.gpu() >= 0) {
      throw FaultException.of(
          Fault.UNSUPPORTED, "instance on GPU " + placement.gpu() + " (expected: on the CPU)");
    }
    NativeRun run =
        new NativeRun(
            session,
            inputs.stream().map(Input::name).toList(),
            outputs.stream().map(Output::name).toList(),
            settings.runEntries());
    return new OnnxInstance(run, inputs, outputs, batching);
  }

  @Override
  public String summary() {
    return settings.summary();
  }

  @Override
  public void close() {
    Sessions.close(session);
    FreedMemory.giveBackSoon();
  }
}
