package dev.nereid.backend.onnx;

import dev.nereid.backend.Batch;
import dev.nereid.backend.Instance;
import dev.nereid.backend.onnx.OnnxModel.Input;
import dev.nereid.backend.onnx.OnnxModel.Output;
import dev.nereid.config.proto.BatchInput;
import dev.nereid.core.Fault;
import dev.nereid.core.FaultException;
import dev.nereid.core.Lease;
import dev.nereid.core.Shape;
import dev.nereid.core.Tensor;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Runs batches on a shared session.
 *
 * <p>Inputs are read where {@link Batch#gather} has them. An output whose shape is known before the
 * run is written straight into the block it is answered from; others are made by the runtime and
 * copied once. Outputs that nobody asks for are not handed over.
 */
final class OnnxInstance implements Instance {
  private final NativeRun run;
  private final List<Input> inputs;
  private final List<Output> outputs;
  private final boolean batching;

  /** By place among the wanted outputs of this run: which output, and where it is written. */
  private final int[] wanted;

  private final @Nullable Tensor[] placed;

  /** Leases of inputs that were made for this run. */
  private final List<Lease> made = new ArrayList<>(0);

  /** Whether the graph has been right so far about the shapes of its outputs. */
  private boolean shapesAreTrue = true;

  OnnxInstance(NativeRun run, List<Input> inputs, List<Output> outputs, boolean batching) {
    this.run = run;
    this.inputs = inputs;
    this.outputs = outputs;
    this.batching = batching;
    wanted = new int[outputs.size()];
    placed = new Tensor[outputs.size()];
  }

  @Override
  public void execute(Batch batch) {
    int count = 0;
    try {
      addInputs(batch);
      count = addOutputs(batch);
      batch.computeStarts();
      runModel(count);
      batch.computeEnds();
      answer(batch, count);
    } catch (OrtApi.OrtFailure e) {
      throw e.toFault();
    } finally {
      run.release();
      closePlaced();
      made.forEach(Lease::close);
      made.clear();
    }
  }

  private void addInputs(Batch batch) {
    for (int i = 0; i < inputs.size(); i++) {
      Input input = inputs.get(i);
      Tensor tensor = tensorOf(input, batch);
      if (tensor.type() != input.type()) {
        throw FaultException.of(
            Fault.INVALID_ARGUMENT,
            "input '%s': %s (expected: %s)".formatted(input.name(), tensor.type(), input.type()));
      }
      Shape shape = tensor.shape();
      run.addInput(i, tensor, input.ragged() ? shape : input.reshape().toModel(shape));
    }
  }

  private Tensor tensorOf(Input input, Batch batch) {
    BatchInput spec = input.made();
    if (spec == null) {
      return input.ragged() ? batch.gatherRagged(input.name()) : batch.gather(input.name());
    }
    Tensor tensor = BatchInputs.make(spec, input.name(), input.type(), batch);
    made.add(tensor.lease());
    return tensor;
  }

  private int addOutputs(Batch batch) {
    int count = 0;
    for (int i = 0; i < outputs.size(); i++) {
      Output output = outputs.get(i);
      if (!batch.wants(output.name())) {
        continue;
      }
      wanted[count] = i;
      Shape row = output.row();
      if (row == null || !shapesAreTrue) {
        run.addOutput(i);
      } else {
        Shape shape = batching ? row.prepend(batch.size()) : row;
        int bytes = Math.toIntExact(shape.elementCount() * output.type().byteSize());
        Lease lease = batch.memory().take(bytes);
        Tensor target = new Tensor(output.name(), output.type(), shape, lease, 0, bytes);
        placed[count] = target;
        run.addOutput(i, target, shape);
      }
      count++;
    }
    return count;
  }

  /** Some exporters write wrong shapes for outputs; the runtime then may not be told where. */
  private void runModel(int count) {
    try {
      run.run();
    } catch (OrtApi.OrtFailure e) {
      if (!shapesAreTrue || !e.isAboutShapesOfOutputs()) {
        throw e;
      }
      run.releaseOutputs();
      closePlaced();
      for (int place = 0; place < count; place++) {
        run.addOutput(wanted[place]);
      }
      run.run();
      shapesAreTrue = false;
    }
  }

  private void answer(Batch batch, int count) {
    for (int place = 0; place < count; place++) {
      Output output = outputs.get(wanted[place]);
      Tensor target = placed[place];
      Tensor produced = target == null ? run.take(place, output.name(), batch.memory()) : target;
      placed[place] = null;
      String like = output.like();
      if (like != null) {
        batch.scatterRagged(produced, produced.lease(), like);
        continue;
      }
      Shape shape = output.reshape().toCaller(produced.shape());
      batch.scatter(
          shape.equals(produced.shape()) ? produced : produced.reshaped(shape), produced.lease());
    }
  }

  private void closePlaced() {
    for (int place = 0; place < placed.length; place++) {
      Tensor target = placed[place];
      if (target != null) {
        target.lease().close();
        placed[place] = null;
      }
    }
  }

  @Override
  public void close() {
    run.close();
  }
}
