package dev.nereid.engine;

import dev.nereid.config.ModelSpec;
import dev.nereid.core.Labelling;
import java.util.HashMap;
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

  /** Labels of its metrics: its tags, with an underscore in front, as Triton names them. */
  Map<String, String> metricTags() {
    Map<String, String> tags = new HashMap<>();
    spec.config().getMetricTagsMap().forEach((name, value) -> tags.put("_" + name, value));
    return tags;
  }

  String name() {
    return spec.name();
  }
}
