package dev.nereid.app;

import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The variables by which OpenTelemetry's own programs are set up, as options. They count least:
 * often they are there for every program of a cluster.
 */
final class OpenTelemetryVariables {
  private static final String PREFIX = "OTEL_EXPORTER_OTLP_";

  private final Map<String, String> environment;
  private final List<Setting> settings = new ArrayList<>();

  private OpenTelemetryVariables(Map<String, String> environment) {
    this.environment = environment;
  }

  /**
   * What they set.
   *
   * @throws Mishap when they ask for what is not offered, or cannot be understood
   */
  static List<Setting> settings(Map<String, String> environment) {
    String exporter = environment.getOrDefault("OTEL_TRACES_EXPORTER", "otlp");
    boolean off = "true".equalsIgnoreCase(environment.get("OTEL_SDK_DISABLED"));
    if (off || !exporter.equals("otlp")) {
      return List.of();
    }
    var variables = new OpenTelemetryVariables(environment);
    variables.endpoint();
    variables.sampler();
    variables.pairs("--trace-resource", "OTEL_RESOURCE_ATTRIBUTES");
    variables.add("--trace-service-name", value("OTEL_SERVICE_NAME", environment), "SERVICE_NAME");
    variables.pairs("--trace-header", variables.ofTraces("HEADERS"));
    return variables.settings;
  }

  private void endpoint() {
    String variable = ofTraces("ENDPOINT");
    String endpoint = value(variable, environment);
    if (endpoint == null) {
      return;
    }
    String protocol = environment.getOrDefault(ofTraces("PROTOCOL"), "http/protobuf");
    if (!protocol.equals("http/protobuf")) {
      throw new Mishap(
          "%s: %s (expected: http/protobuf, or %s empty for no traces)"
              .formatted(ofTraces("PROTOCOL"), protocol, variable));
    }
    boolean whole = variable.startsWith(PREFIX + "TRACES_");
    String base = endpoint.endsWith("/") ? endpoint.substring(0, endpoint.length() - 1) : endpoint;
    settings.add(new Setting("--trace-endpoint", whole ? endpoint : base + "/v1/traces", variable));
  }

  private void sampler() {
    String sampler = environment.getOrDefault("OTEL_TRACES_SAMPLER", "parentbased_always_on");
    String share =
        switch (sampler) {
          case "always_on", "parentbased_always_on" -> null;
          case "always_off", "parentbased_always_off" -> "0";
          case "traceidratio", "parentbased_traceidratio" ->
              environment.getOrDefault("OTEL_TRACES_SAMPLER_ARG", "1");
          default ->
              throw new Mishap(
                  "OTEL_TRACES_SAMPLER: " + sampler + " (expected: parentbased_traceidratio)");
        };
    add("--trace-sample-rate", share, "TRACES_SAMPLER");
  }

  private void add(String option, @Nullable String value, String variable) {
    if (value != null) {
      settings.add(new Setting(option, value, "OTEL_" + variable));
    }
  }

  /** KEY=VALUE, percent-encoded, with commas between; a message has no word of what was given. */
  private void pairs(String option, String variable) {
    String list = value(variable, environment);
    if (list == null) {
      return;
    }
    for (String pair : list.split(",", -1)) {
      int equals = pair.indexOf('=');
      if (equals <= 0) {
        throw new Mishap(variable + ": not understood (expected: KEY=VALUE,KEY=VALUE)");
      }
      String value = pair.substring(equals + 1).strip().replace("+", "%2B");
      try {
        String plain = URLDecoder.decode(value, StandardCharsets.UTF_8);
        settings.add(
            new Setting(option, pair.substring(0, equals).strip() + "=" + plain, variable));
      } catch (IllegalArgumentException _) {
        throw new Mishap(variable + ": badly percent-encoded");
      }
    }
  }

  /** The variable for traces alone where it is set, else the one for everything. */
  private String ofTraces(String name) {
    String own = PREFIX + "TRACES_" + name;
    return value(own, environment) == null ? PREFIX + name : own;
  }

  private static @Nullable String value(String variable, Map<String, String> environment) {
    String value = environment.get(variable);
    return value == null || value.isBlank() ? null : value.strip();
  }
}
