package dev.nereid.app;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;

/**
 * Triton's flags that {@code nereid serve} knows and does not act on. Those that only tune Triton's
 * insides are taken and told in a warning; those that ask for something which is not offered are
 * refused, unless they ask for what happens anyway.
 */
final class TritonFlags {
  private static final String NOTHING = "\0";

  /** How a switch is turned off. */
  private static final Set<String> OFF = Set.of("false", "off", "0");

  /** Flag to the one value that asks for nothing; {@link #NOTHING} where every value does. */
  private static final Map<String, String> NOT_OFFERED = new HashMap<>();

  private static final List<String> WITHOUT_EFFECT =
      List.of(
          "--metrics-interval-ms",
          "--repoagent-directory",
          "--cache-directory",
          "--pinned-memory-pool-byte-size",
          "--cuda-memory-pool-byte-size",
          "--cuda-virtual-address-size",
          "--min-supported-compute-capability",
          "--enable-peer-access",
          "--buffer-manager-thread-count",
          "--host-policy",
          "--model-load-gpu-limit",
          "--grpc-infer-thread-count",
          "--grpc-infer-allocation-pool-size",
          "--grpc-max-response-pool-size",
          "--grpc-http2-max-pings-without-data",
          "--grpc-http2-max-ping-strikes",
          "--trace-rate",
          "--trace-count",
          "--trace-log-frequency",
          "--sagemaker-port",
          "--sagemaker-safe-port-range",
          "--sagemaker-thread-count",
          "--vertex-ai-port",
          "--vertex-ai-thread-count",
          "--vertex-ai-default-model");

  static {
    NOT_OFFERED.put("--model-namespacing", "false");
    NOT_OFFERED.put("--allow-client-shm", "false");
    NOT_OFFERED.put("--trace-file", NOTHING);
    NOT_OFFERED.put("--trace-level", "off");
    NOT_OFFERED.put("--allow-sagemaker", "false");
    NOT_OFFERED.put("--allow-vertex-ai", "false");
  }

  /**
   * What became of words that the command itself does not know.
   *
   * @param unknown those that are no flags of Triton's either
   * @param warnings one for each flag taken without effect
   */
  record Outcome(List<String> unknown, List<String> warnings) {}

  private TritonFlags() {}

  /** Whether that is a flag of Triton's which the command itself does not know. */
  static boolean isKnown(String name) {
    return WITHOUT_EFFECT.contains(name) || NOT_OFFERED.containsKey(name);
  }

  /**
   * Sorts the words that the command does not know.
   *
   * @throws Mishap when they ask for something that is not offered
   */
  static Outcome sort(List<String> words) {
    List<String> unknown = new ArrayList<>();
    List<String> warnings = new ArrayList<>();
    for (int i = 0; i < words.size(); i++) {
      String word = words.get(i);
      int equals = word.indexOf('=');
      String name = equals < 0 ? word : word.substring(0, equals);
      if (!isKnown(name)) {
        unknown.add(word);
        continue;
      }
      String value = word.substring(equals + 1);
      if (equals < 0) {
        if (i + 1 == words.size()) {
          throw new Mishap(name + ": no value (expected: " + name + "=VALUE)");
        }
        value = words.get(++i);
      }
      if (WITHOUT_EFFECT.contains(name)) {
        warnings.add(name + "=" + value + " has no effect here");
      } else {
        refuse(name, value);
      }
    }
    return new Outcome(unknown, warnings);
  }

  private static void refuse(String name, String value) {
    String harmless = NOT_OFFERED.getOrDefault(name, NOTHING);
    if (harmless.equals(NOTHING)) {
      throw new Mishap(name + " is not offered yet; see docs/compatibility.md");
    }
    boolean off = OFF.contains(harmless) && OFF.contains(value.toLowerCase(Locale.ROOT));
    if (!off && !value.equals(harmless)) {
      throw new Mishap(
          "%s: %s (expected: %s; nothing else is offered yet, see docs/compatibility.md)"
              .formatted(name, value, harmless.isEmpty() ? "''" : harmless));
    }
  }
}
