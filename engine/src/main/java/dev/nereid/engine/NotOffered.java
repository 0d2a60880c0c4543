package dev.nereid.engine;

import dev.nereid.config.proto.ModelConfig;
import dev.nereid.config.proto.ModelInstanceGroup;
import dev.nereid.config.proto.ModelMetrics.MetricControl;
import dev.nereid.core.Fault;
import dev.nereid.core.FaultException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What a configuration may say and this server does not do. Where answers would be other than the
 * configuration promises, the model is refused; where they only come later, a warning is logged.
 */
final class NotOffered {
  private static final Logger LOG = LoggerFactory.getLogger(NotOffered.class);

  private NotOffered() {}

  /**
   * Looks a configuration through.
   *
   * @throws FaultException with {@link Fault#UNSUPPORTED}
   */
  static void check(ModelConfig config) {
    refuseIf(config, config.hasSequenceBatching(), "sequence_batching", "dynamic_batching or none");
    refuseIf(
        config,
        config.getModelTransactionPolicy().getDecoupled(),
        "model_transaction_policy.decoupled",
        "false");
    refuseIf(
        config,
        config.getModelRepositoryAgents().getAgentsCount() > 0,
        "model_repository_agents",
        "none");
    for (MetricControl control : config.getModelMetrics().getMetricControlList()) {
      warnIf(
          config,
          !SharedResources.isOfFirstResponse(control),
          "model_metrics '" + control.getMetricIdentifier().getFamily() + "'");
    }
    for (ModelInstanceGroup group : config.getInstanceGroupList()) {
      refuseIf(
          config,
          group.getSecondaryDevicesCount() > 0,
          "instance_group '" + group.getName() + "' secondary_devices",
          "none: no back end here uses a DLA");
      warnIf(config, !group.getHostPolicy().isEmpty(), "instance_group host_policy");
      warnIf(config, group.getProfileCount() > 0, "instance_group profile");
    }
  }

  private static void refuseIf(ModelConfig config, boolean given, String field, String expected) {
    if (given) {
      throw FaultException.of(
          Fault.UNSUPPORTED,
          "model '%s': %s is not offered yet (expected: %s)"
              .formatted(config.getName(), field, expected));
    }
  }

  private static void warnIf(ModelConfig config, boolean given, String field) {
    if (given) {
      LOG.warn("model '{}': {} is not offered yet and has no effect", config.getName(), field);
    }
  }
}
