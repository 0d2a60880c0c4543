package dev.nereid.scheduler;

import dev.nereid.config.proto.ModelConfig;
import dev.nereid.config.proto.ModelInput;
import dev.nereid.core.InferRequest;
import dev.nereid.core.Tensor;
import java.util.List;

/**
 * Whether two requests may share a batch. Inputs of fixed dims and ragged ones always may; variable
 * dims must be equal, shape tensors equal in content too, and optional inputs given by both or
 * none.
 */
final class Compatibility {
  private final List<Rule> rules;

  private record Rule(String input, boolean sameShape, boolean sameContent, boolean optional) {}

  private Compatibility(List<Rule> rules) {
    this.rules = rules;
  }

  static Compatibility of(ModelConfig config) {
    return new Compatibility(
        config.getInputList().stream()
            .map(Compatibility::rule)
            .filter(rule -> rule.sameShape || rule.sameContent || rule.optional)
            .toList());
  }

  private static Rule rule(ModelInput input) {
    boolean variable = input.getDimsList().contains(-1L);
    return new Rule(
        input.getName(),
        (variable && !input.getAllowRaggedBatch()) || input.getIsShapeTensor(),
        input.getIsShapeTensor(),
        input.getOptional());
  }

  /** Whether any two requests may share a batch. */
  boolean isAlways() {
    return rules.isEmpty();
  }

  /** Whether the second may join a batch that the first began. */
  boolean test(Queued first, Queued next) {
    for (int i = 0; i < rules.size(); i++) {
      if (!agrees(rules.get(i), first.request, next.request)) {
        return false;
      }
    }
    return true;
  }

  private static boolean agrees(Rule rule, InferRequest first, InferRequest next) {
    Tensor a = first.input(rule.input);
    Tensor b = next.input(rule.input);
    if (a == null || b == null) {
      return a == null && b == null;
    }
    if (rule.sameShape && !a.shape().sameInner(b.shape())) {
      return false;
    }
    return !rule.sameContent || a.bytes().equals(b.bytes());
  }
}
