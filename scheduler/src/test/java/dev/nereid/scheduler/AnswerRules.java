package dev.nereid.scheduler;

import dev.nereid.core.Fault;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * When answers leave: as soon as they are ready, or with {@code preserve_ordering} when all before
 * them have left.
 */
final class AnswerRules {
  private final boolean ordered;
  private final BatchRules rules;
  private final List<SimulatedRequest> expected = new ArrayList<>();
  private final Map<SimulatedRequest, String> ready = new HashMap<>();
  private final List<String> left = new ArrayList<>();

  AnswerRules(boolean ordered, BatchRules rules) {
    this.ordered = ordered;
    this.rules = rules;
  }

  /** A request was taken: it will be answered once. */
  void expects(SimulatedRequest request) {
    expected.add(request);
  }

  /** A request was not taken, and told so at once: it has no place in the order. */
  void refused(SimulatedRequest request) {
    left.add(request.id + " " + Fault.OVERLOADED);
  }

  /** The outcome of a request is known; null for success. */
  void ready(SimulatedRequest request, @Nullable Fault fault) {
    String outcome = request.id + " " + (fault == null ? "ok" : fault);
    if (!ordered) {
      expected.remove(request);
      left.add(outcome);
      return;
    }
    ready.put(request, outcome);
    if (!expected.getFirst().equals(request)) {
      rules.used(BatchRules.Rule.ANSWER_IS_HELD);
    }
    while (!expected.isEmpty() && ready.containsKey(expected.getFirst())) {
      left.add(ready.remove(expected.removeFirst()));
    }
  }

  /** The answers that have left, in their order. */
  List<String> left() {
    return left;
  }

  /** How many requests have no answer yet. */
  int held() {
    return expected.size();
  }
}
