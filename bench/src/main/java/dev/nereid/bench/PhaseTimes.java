package dev.nereid.bench;

import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.function.Function;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * Where a server's time went by its own histograms of phases: for the requests of one listener, or
 * for those of one version of a model.
 *
 * @param listener empty for a model's
 * @param model empty for a listener's
 * @param phases by name, in the order in which a request goes through them
 */
record PhaseTimes(String listener, String model, String version, SortedMap<String, Span> phases) {
  private static final List<String> ORDER =
      List.of("queue", "decode", "preprocess", "compute", "postprocess", "encode");
  private static final Pattern SAMPLE =
      Pattern.compile("nereid_(?:request_)?phase_seconds_(sum|count)\\{(.*)\\} (\\S+)");
  private static final Pattern LABEL = Pattern.compile("(\\w+)=\"((?:[^\"\\\\]|\\\\.)*)\"");

  /** So many events, and how long they took together. */
  record Span(double count, double seconds) {
    private static final Span NONE = new Span(0, 0);

    Span plus(Span other) {
      return new Span(count + other.count, seconds + other.seconds);
    }

    Span minus(Span other) {
      return new Span(count - other.count, seconds - other.seconds);
    }

    /** Microseconds per event. */
    double meanMicros() {
      return 1e6 * seconds / count;
    }
  }

  /** What a metrics page tells, listeners first; empty where it has no such histograms. */
  static List<PhaseTimes> of(String page) {
    SortedMap<String, PhaseTimes> all = new TreeMap<>();
    page.lines()
        .map(SAMPLE::matcher)
        .filter(Matcher::matches)
        .forEach(sample -> add(all, sample.group(1), labels(sample.group(2)), sample.group(3)));
    return List.copyOf(all.values());
  }

  private static void add(
      SortedMap<String, PhaseTimes> all, String part, Map<String, String> labels, String text) {
    double value;
    try {
      value = Double.parseDouble(text);
    } catch (NumberFormatException e) {
      return;
    }
    var empty =
        new PhaseTimes(
            labels.getOrDefault("listener", ""),
            labels.getOrDefault("model", ""),
            labels.getOrDefault("version", ""),
            newPhases());
    PhaseTimes times = all.computeIfAbsent(empty.key(), _ -> empty);
    Span span = part.equals("sum") ? new Span(0, value) : new Span(value, 0);
    times.phases.merge(labels.getOrDefault("phase", ""), span, Span::plus);
  }

  private static Map<String, String> labels(String text) {
    return LABEL
        .matcher(text)
        .results()
        .collect(Collectors.toMap(label -> label.group(1), label -> label.group(2), (a, _) -> a));
  }

  /** Known phases in their order, then others by name. */
  private static SortedMap<String, Span> newPhases() {
    Function<String, String> place =
        name -> {
          int known = ORDER.indexOf(name);
          return (known < 0 ? ORDER.size() : known) + name;
        };
    return new TreeMap<>(Comparator.comparing(place));
  }

  private String key() {
    return (listener.isEmpty() ? "1" : "0") + listener + "/" + model + "/" + version;
  }

  /** What happened between two readings; what did not is left out. */
  static List<PhaseTimes> delta(List<PhaseTimes> before, List<PhaseTimes> after) {
    Map<String, PhaseTimes> earlier = new HashMap<>();
    before.forEach(times -> earlier.put(times.key(), times));
    return after.stream()
        .map(times -> times.since(earlier.getOrDefault(times.key(), times.empty())))
        .filter(times -> !times.phases.isEmpty())
        .toList();
  }

  private PhaseTimes since(PhaseTimes earlier) {
    PhaseTimes since = empty();
    phases.forEach(
        (name, span) -> {
          Span delta = span.minus(earlier.phases.getOrDefault(name, Span.NONE));
          if (delta.count > 0) {
            since.phases.put(name, delta);
          }
        });
    return since;
  }

  /** What happened in two times together. */
  static List<PhaseTimes> sum(List<PhaseTimes> a, List<PhaseTimes> b) {
    SortedMap<String, PhaseTimes> all = new TreeMap<>();
    for (PhaseTimes times : Stream.concat(a.stream(), b.stream()).toList()) {
      PhaseTimes into = all.computeIfAbsent(times.key(), _ -> times.empty());
      times.phases.forEach((name, span) -> into.phases.merge(name, span, Span::plus));
    }
    return List.copyOf(all.values());
  }

  private PhaseTimes empty() {
    return new PhaseTimes(listener, model, version, newPhases());
  }

  /** One line for people. */
  String described() {
    return phases.entrySet().stream()
        .map(
            phase ->
                String.format(
                    Locale.ROOT,
                    "%s %s",
                    phase.getKey(),
                    Times.micros(phase.getValue().meanMicros())))
        .collect(
            Collectors.joining(
                ", ", listener.isEmpty() ? model + ": " : "over " + listener + ": ", ""));
  }
}
