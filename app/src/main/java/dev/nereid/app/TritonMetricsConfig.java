package dev.nereid.app;

import dev.nereid.telemetry.LatencyOptions;
import java.util.ArrayList;
import java.util.List;
import picocli.CommandLine.TypeConversionException;

/** What Triton's {@code --metrics-config} says. */
final class TritonMetricsConfig {
  private static final String QUANTILES = "QUANTILE:ERROR,... with numbers from 0 to 1";

  private TritonMetricsConfig() {}

  /**
   * Reads the words of all its occurrences; quantiles of several are all wanted.
   *
   * @throws Mishap when they ask for something that is not offered
   */
  static LatencyOptions of(List<String> words) {
    boolean histograms = false;
    boolean summaries = false;
    List<Double> quantiles = new ArrayList<>();
    for (String word : words) {
      int equals = word.indexOf('=');
      String value = word.substring(equals + 1);
      switch (equals < 0 ? "" : word.substring(0, equals)) {
        case "counter_latencies" ->
            require(isOn(word, value), word, "counter_latencies=true; they are always counted");
        case "histogram_latencies" -> histograms = isOn(word, value);
        case "summary_latencies" -> summaries = isOn(word, value);
        case "summary_quantiles" -> quantiles.addAll(quantiles(word, value));
        default ->
            throw misfit(
                word,
                "counter_latencies, histogram_latencies, summary_latencies or"
                    + " summary_quantiles, with =VALUE");
      }
    }
    return new LatencyOptions(
        histograms,
        summaries,
        quantiles.isEmpty() ? LatencyOptions.QUANTILES : quantiles.stream().distinct().toList());
  }

  private static boolean isOn(String word, String value) {
    try {
      return new OnOff().convert(value);
    } catch (TypeConversionException _) {
      throw misfit(word, "true or false");
    }
  }

  /** The allowed error is checked and not used: a summary here has the same for all. */
  private static List<Double> quantiles(String word, String value) {
    List<Double> quantiles = new ArrayList<>();
    for (String pair : value.split(",", -1)) {
      String[] numbers = pair.split(":", -1);
      require(numbers.length == 2, word, QUANTILES);
      quantiles.add(share(word, numbers[0]));
      var _ = share(word, numbers[1]);
    }
    return quantiles;
  }

  private static double share(String word, String text) {
    try {
      double share = Double.parseDouble(text);
      require(share >= 0 && share <= 1, word, QUANTILES);
      return share;
    } catch (NumberFormatException _) {
      throw misfit(word, QUANTILES);
    }
  }

  private static void require(boolean holds, String word, String expected) {
    if (!holds) {
      throw misfit(word, expected);
    }
  }

  private static Mishap misfit(String word, String expected) {
    return new Mishap("--metrics-config: " + word + " (expected: " + expected + ")");
  }
}
