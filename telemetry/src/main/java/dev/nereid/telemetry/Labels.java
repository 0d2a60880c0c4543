package dev.nereid.telemetry;

import java.util.List;

/** Names of labels that several numbers have. */
final class Labels {
  static final List<String> MODEL = List.of("model", "version");
  static final List<String> RESOURCE = List.of("resource", "device");
  static final List<String> TARGET = List.of("target");
  static final List<String> OUTCOME = List.of("outcome");
  static final List<String> REFUSED = List.of("listener", "reason");
  static final List<String> RELOADED = List.of("source", "outcome");
  static final List<String> GPU = List.of("gpu_uuid");
  static final List<String> MODEL_REASON = List.of("model", "version", "reason");
  static final List<String> MODEL_PHASE = List.of("model", "version", "phase");
  static final List<String> ARM = List.of("model", "arm");
  static final List<String> ARM_OUTCOME = List.of("model", "arm", "outcome");
  static final List<String> SHADOW = List.of("model", "shadow");
  static final List<String> SHADOW_OUTCOME = List.of("model", "shadow", "outcome");
  static final List<String> SHADOW_KIND = List.of("model", "shadow", "kind");

  private Labels() {}
}
