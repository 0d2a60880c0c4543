package dev.nereid.engine;

import dev.nereid.config.ModelSpec;
import dev.nereid.core.Labelling;
import java.util.List;
import java.util.Map;

/**
 * What is known of a version that is loaded. Immutable.
 *
 * @param outputLabels by output
 * @param summary what the back end said of threads and devices
 * @param files what its files looked like; may be empty
 */
record VersionFacts(
    ModelSpec spec,
    long version,
    Map<String, List<String>> outputLabels,
    String summary,
    double loadSeconds,
    String files)
    implements Labelling {
  VersionFacts {
    outputLabels = Map.copyOf(outputLabels);
  }

  @Override
  public boolean batching() {
    return spec.batching();
  }

  @Override
  public List<String> labels(String output) {
    return outputLabels.getOrDefault(output, List.of());
  }

  String name() {
    return spec.name();
  }
}
