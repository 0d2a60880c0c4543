package dev.nereid.scheduler;

import dev.nereid.config.proto.ModelConfig;
import dev.nereid.config.proto.ModelEnsembling;
import dev.nereid.core.RequestedOutput;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * The dataflow of an ensemble: which step makes which tensor and which step needs it. Immutable.
 *
 * @param outputs the ensemble's own, in the configuration's order
 */
record EnsemblePlan(List<Step> steps, List<String> outputs, Map<String, Integer> makers) {

  /**
   * One model of the ensemble.
   *
   * @param version -1 for the model's default
   * @param inputs the ensemble's tensor for each of the model's inputs
   * @param outputs the ensemble's tensor for each of the model's outputs
   */
  record Step(
      int index, String model, long version, List<Edge> inputs, Map<String, String> outputs) {}

  /** A model's input and the ensemble's tensor that feeds it. */
  record Edge(String input, String tensor) {}

  /** Of a configuration that was found valid: no cycle, no tensor without exactly one maker. */
  static EnsemblePlan of(ModelConfig config) {
    List<Step> steps = new ArrayList<>();
    Map<String, Integer> makers = new HashMap<>();
    for (ModelEnsembling.Step each : config.getEnsembleScheduling().getStepList()) {
      int index = steps.size();
      List<Edge> edges = new ArrayList<>();
      each.getInputMapMap().forEach((input, tensor) -> edges.add(new Edge(input, tensor)));
      for (String tensor : each.getOutputMapMap().values()) {
        makers.put(tensor, index);
      }
      long version = each.getModelVersion() <= 0 ? -1 : each.getModelVersion();
      steps.add(
          new Step(
              index,
              each.getModelName(),
              version,
              List.copyOf(edges),
              Map.copyOf(each.getOutputMapMap())));
    }
    List<String> outputs = config.getOutputList().stream().map(output -> output.getName()).toList();
    return new EnsemblePlan(List.copyOf(steps), outputs, Map.copyOf(makers));
  }

  /** The steps that lead to these outputs; all outputs when none is named. */
  BitSet needed(List<RequestedOutput> requested) {
    BitSet needed = new BitSet(steps.size());
    if (requested.isEmpty()) {
      outputs.forEach(output -> need(output, needed));
    } else {
      requested.forEach(output -> need(output.name(), needed));
    }
    return needed;
  }

  private void need(String tensor, BitSet needed) {
    Integer maker = makers.get(tensor);
    if (maker != null && !needed.get(maker)) {
      needed.set(maker);
      for (Edge edge : steps.get(maker).inputs) {
        need(edge.tensor, needed);
      }
    }
  }
}
