package dev.nereid.config;

import dev.nereid.config.proto.ModelConfig;
import dev.nereid.config.proto.ModelVersionPolicy;
import dev.nereid.core.Fault;
import dev.nereid.core.FaultException;
import java.util.SortedSet;
import java.util.TreeSet;

/** Which of the versions that are there a model serves. Thread-safe. */
public final class VersionPolicy {
  private VersionPolicy() {}

  /**
   * The versions to serve.
   *
   * @param present the versions in the repository
   * @throws FaultException with {@link Fault#INVALID_ARGUMENT} when there is none to serve
   */
  public static SortedSet<Long> choose(ModelConfig config, SortedSet<Long> present) {
    ModelVersionPolicy policy = config.getVersionPolicy();
    SortedSet<Long> chosen =
        switch (policy.getPolicyChoiceCase()) {
          case ALL -> new TreeSet<>(present);
          case SPECIFIC -> {
            SortedSet<Long> asked = new TreeSet<>(policy.getSpecific().getVersionsList());
            asked.retainAll(present);
            yield asked;
          }
          case LATEST -> latest(present, policy.getLatest().getNumVersions());
          case POLICYCHOICE_NOT_SET -> latest(present, 1);
        };
    if (chosen.isEmpty()) {
      throw FaultException.of(
          Fault.INVALID_ARGUMENT,
          "at least one version must be available under the version policy of model '%s': %s"
              .formatted(
                  config.getName(),
                  present.isEmpty()
                      ? "its directory has no version directory such as 1/"
                      : "present are " + present + ", asked for " + asked(policy)));
    }
    return chosen;
  }

  /** The versions that the policy names and the repository lacks. */
  public static SortedSet<Long> missing(ModelConfig config, SortedSet<Long> present) {
    SortedSet<Long> missing =
        new TreeSet<>(config.getVersionPolicy().getSpecific().getVersionsList());
    missing.removeAll(present);
    return missing;
  }

  private static SortedSet<Long> latest(SortedSet<Long> present, int count) {
    SortedSet<Long> latest = new TreeSet<>(present);
    while (Integer.compareUnsigned(latest.size(), count) > 0) {
      latest.removeFirst();
    }
    return latest;
  }

  private static String asked(ModelVersionPolicy policy) {
    return policy.hasSpecific()
        ? policy.getSpecific().getVersionsList().toString()
        : "the latest " + Integer.toUnsignedString(policy.getLatest().getNumVersions());
  }
}
