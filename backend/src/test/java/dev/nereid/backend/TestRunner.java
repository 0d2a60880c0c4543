package dev.nereid.backend;

import dev.nereid.core.Failure;
import dev.nereid.core.Fault;
import dev.nereid.core.FaultException;
import dev.nereid.core.InferRequest;
import dev.nereid.core.InferResponse;
import dev.nereid.core.MemoryPool;
import dev.nereid.core.Ticker;
import dev.nereid.core.Timings;
import java.util.List;
import java.util.Map;

/** Runs one batch the way a scheduler does, and gives every request its outcome. */
public final class TestRunner {
  private final MemoryPool pool;
  private final boolean batching;

  /** A runner of batches with or without a batch dimension. */
  public TestRunner(MemoryPool pool, boolean batching) {
    this.pool = pool;
    this.batching = batching;
  }

  /** Executes and replies. */
  public Batch run(Instance instance, InferRequest... requests) {
    Batch batch = new Batch(List.of(requests), batching, pool, Ticker.system());
    try {
      instance.execute(batch);
    } catch (FaultException e) {
      batch.failRest(e.failure());
    } catch (RuntimeException e) {
      batch.failRest(Fault.BACKEND_FAILED.with(String.valueOf(e.getMessage())));
    }
    batch.releaseInputs();
    for (int i = 0; i < requests.length; i++) {
      answer(batch, i, requests[i]);
    }
    return batch;
  }

  private static void answer(Batch batch, int index, InferRequest request) {
    Failure failure = batch.failureOf(index);
    if (failure != null) {
      request.fail(failure);
      return;
    }
    request.respond(
        new InferResponse(
            request.call().model(),
            1,
            request.call().id(),
            Map.of(),
            batch.outputsOf(index),
            batch.leasesOf(index),
            Timings.NONE));
  }
}
