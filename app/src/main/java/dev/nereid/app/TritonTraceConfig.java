package dev.nereid.app;

import dev.nereid.tracing.TracingOptions;
import java.net.URI;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * What Triton's {@code --trace-config} says. Its mode {@code opentelemetry} is understood, and of
 * the levels OFF, its default, and TIMESTAMPS.
 *
 * @param isOn whether traces are asked for
 * @param ratio of requests that begin a trace; 1 where no setting was given at all
 */
record TritonTraceConfig(
    boolean isOn, URI url, double ratio, Map<String, String> resource, TracingOptions.Queue queue) {
  private static final String OPTION = "--trace-config";
  private static final String OTEL = "opentelemetry";
  private static final String URL = "http://localhost:4318/v1/traces";

  /** As Triton has it: one request in so many. */
  private static final int USUAL_RATE = 1000;

  /**
   * Reads the words of all its occurrences.
   *
   * @throws Mishap when they ask for something that is not offered
   */
  static TritonTraceConfig of(List<String> words) {
    Map<String, String> settings = new HashMap<>();
    Map<String, String> resource = new HashMap<>();
    for (String word : words) {
      int equals = word.indexOf('=');
      require(equals > 0, word, "SETTING=VALUE");
      String name = word.substring(0, equals);
      String value = word.substring(equals + 1);
      if (name.equals(OTEL + ",resource")) {
        int second = value.indexOf('=');
        require(second > 0, word, OTEL + ",resource=KEY=VALUE");
        resource.put(value.substring(0, second), value.substring(second + 1));
      } else {
        settings.put(name, value);
      }
    }
    return read(settings, resource);
  }

  private static TritonTraceConfig read(
      Map<String, String> settings, Map<String, String> resource) {
    TracingOptions.Queue usual = TracingOptions.Queue.DEFAULT;
    String mode = take(settings, "mode", settings.isEmpty() ? OTEL : "triton");
    String level = take(settings, "level", "OFF");
    boolean off = level.equalsIgnoreCase("OFF");
    require(off || mode.equals(OTEL), "mode=" + mode, "mode=" + OTEL);
    require(off || level.equalsIgnoreCase("TIMESTAMPS"), "level=" + level, "OFF or TIMESTAMPS");
    String count = take(settings, "count", "-1");
    require(count.equals("-1"), "count=" + count, "-1");
    boolean given = settings.containsKey("rate") || !off;
    double rate = number(settings, "rate", given ? USUAL_RATE : 1);
    String url = take(settings, OTEL + ",url", URL);
    int spans = number(settings, OTEL + ",bsp_max_queue_size", usual.spans());
    int batch = number(settings, OTEL + ",bsp_max_export_batch_size", usual.batch());
    int delay = number(settings, OTEL + ",bsp_schedule_delay", (int) usual.delay().toMillis());
    for (String left : settings.keySet()) {
      require(off && left.startsWith("triton,"), left, "one of those in the help");
    }
    return new TritonTraceConfig(
        !off,
        TraceFlags.url(OPTION, url),
        1 / rate,
        resource,
        new TracingOptions.Queue(
            spans, Math.min(batch, spans), Duration.ofMillis(delay), usual.timeout()));
  }

  private static String take(Map<String, String> settings, String name, String usual) {
    String value = settings.remove(name);
    return value == null ? usual : value;
  }

  private static int number(Map<String, String> settings, String name, int usual) {
    String value = take(settings, name, Integer.toString(usual));
    try {
      int number = Integer.parseInt(value);
      require(number >= 1, name + "=" + value, ">= 1");
      return number;
    } catch (NumberFormatException _) {
      throw new Mishap(OPTION + ": " + name + "=" + value + " (expected: a number)");
    }
  }

  private static void require(boolean holds, String given, String expected) {
    if (!holds) {
      throw new Mishap(OPTION + ": " + given + " (expected: " + expected + ")");
    }
  }
}
