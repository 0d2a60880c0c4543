package dev.nereid.bench;

import dev.nereid.client.InferCall;
import dev.nereid.client.InferResult;
import java.util.List;

/**
 * A model under bad treatment.
 *
 * @param calls distinct ones
 * @param right the reply to each, learnt while nothing else ran; none for a model that fails
 */
record ChaosModel(String name, List<InferCall> calls, List<InferResult> right) {

  /** Whether that is the right reply to that call. */
  boolean isRight(int call, InferResult result) {
    return TensorCheck.same(right.get(call).outputs(), result.outputs());
  }
}
