package dev.nereid.client;

import dev.nereid.config.proto.ModelConfig;
import java.util.List;

/**
 * A model that a target can serve now.
 *
 * @param versions ready, as the target names them
 * @param config in force there
 */
record RemoteModel(String name, List<String> versions, ModelConfig config) {
  RemoteModel {
    versions = List.copyOf(versions);
  }

  /** Whether running a request twice does no harm: nothing is remembered between requests. */
  boolean isStateless() {
    return !config.hasSequenceBatching() && !config.getModelTransactionPolicy().getDecoupled();
  }

  /** How many priorities the model tells apart; 0 for none. */
  long priorityLevels() {
    return config.getDynamicBatching().getPriorityLevels();
  }

  boolean serves(long version) {
    return version < 0 || versions.contains(Long.toString(version));
  }
}
