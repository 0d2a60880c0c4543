package dev.nereid.backend.image;

import dev.nereid.backend.Batch;
import dev.nereid.backend.Instance;
import dev.nereid.backend.Model;
import dev.nereid.backend.Placement;
import dev.nereid.config.ModelSpec;
import dev.nereid.core.FaultException;
import dev.nereid.core.Phase;

/** A step that works on one request at a time and fails those alone that it cannot answer. */
abstract class RowModel implements Model {
  private final ModelSpec spec;

  RowModel(ModelSpec spec) {
    this.spec = spec;
  }

  /** What one instance does, with whatever it uses again from request to request. */
  interface Work {
    /** Fills the outputs of one request. */
    void fill(Batch batch, int request, OutputBlock outputs);
  }

  /** Makes the work of one instance. */
  abstract Work work();

  @Override
  public final Instance newInstance(Placement placement) {
    Work work = work();
    return batch -> {
      batch.countsAs(Phase.POSTPROCESS);
      batch.computeStarts();
      for (int i = 0; i < batch.requests().size(); i++) {
        answer(batch, i, work);
      }
      batch.computeEnds();
    };
  }

  private void answer(Batch batch, int request, Work work) {
    OutputBlock outputs =
        new OutputBlock(batch.memory(), spec.outputs(), batch.rows(request), spec.batching());
    try {
      work.fill(batch, request, outputs);
    } catch (FaultException e) {
      outputs.discard();
      batch.fail(request, e.failure());
      return;
    } catch (RuntimeException e) {
      outputs.discard();
      throw e;
    }
    batch.respond(request, outputs.tensors(), outputs.leases());
  }

  @Override
  public void close() {}
}
