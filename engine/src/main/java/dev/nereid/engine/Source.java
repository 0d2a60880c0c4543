package dev.nereid.engine;

import dev.nereid.config.proto.ModelConfig;
import dev.nereid.repository.ModelEntry;

/**
 * What a model was loaded from.
 *
 * @param declared its configuration, before anything was completed
 * @param requested whether it is served for its own sake, and not only as part of an ensemble
 */
record Source(ModelEntry entry, ModelConfig declared, boolean requested) {
  /** Whether a version loaded from here is what would be loaded from there. */
  boolean sameVersion(Source other, long version) {
    return entry.directory().equals(other.entry.directory())
        && entry.fingerprint().sameVersion(other.entry.fingerprint(), version)
        && withoutPolicy(declared).equals(withoutPolicy(other.declared));
  }

  /** Whether the two differ in how many instances run, at most. */
  boolean sameButInstances(Source other) {
    return withoutPolicy(declared).toBuilder()
        .clearInstanceGroup()
        .build()
        .equals(withoutPolicy(other.declared).toBuilder().clearInstanceGroup().build());
  }

  private static ModelConfig withoutPolicy(ModelConfig config) {
    return config.toBuilder().clearVersionPolicy().build();
  }

  Source with(boolean nowRequested) {
    return new Source(entry, declared, nowRequested);
  }
}
