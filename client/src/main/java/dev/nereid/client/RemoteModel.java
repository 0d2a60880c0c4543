package dev.nereid.client;

import dev.nereid.config.ConfigDigest;
import dev.nereid.config.proto.ModelConfig;
import dev.nereid.config.proto.ModelEnsembling;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * A model that a target can serve now.
 *
 * @param versions ready, as the target names them
 * @param config in force there
 * @param content a text that stands for all of this, the same wherever the same is served
 */
record RemoteModel(String name, List<String> versions, ModelConfig config, String content) {
  RemoteModel {
    versions = List.copyOf(versions);
  }

  RemoteModel(String name, List<String> versions, ModelConfig config) {
    this(name, versions, config, name + versions + ConfigDigest.of(config));
  }

  /** Whether running a request twice does no harm: nothing is remembered between requests. */
  boolean isStateless() {
    return !config.hasSequenceBatching() && !config.getModelTransactionPolicy().getDecoupled();
  }

  /**
   * The priority to tell the target; 0, as most requests have it, for none.
   *
   * @param others that the same target serves, by name
   */
  long onWire(long priority, Map<String, RemoteModel> others) {
    return priority == 0 ? 0 : Lane.onWire(priority, priorityLevels(others, new HashSet<>()));
  }

  /**
   * How many priorities the model tells apart; 0 for none. An ensemble hands a request's priority
   * on to its steps, which may be ensembles, so it tells apart as many as one of them does.
   *
   * @param seen names that were looked at; what a server tells may go in circles
   */
  private long priorityLevels(Map<String, RemoteModel> others, Set<String> seen) {
    long most = config.getDynamicBatching().getPriorityLevels();
    for (ModelEnsembling.Step step : config.getEnsembleScheduling().getStepList()) {
      RemoteModel model = others.get(step.getModelName());
      if (model != null && seen.add(step.getModelName())) {
        most = Math.max(most, model.priorityLevels(others, seen));
      }
    }
    return most;
  }

  boolean serves(long version) {
    return version < 0 || versions.contains(Long.toString(version));
  }
}
