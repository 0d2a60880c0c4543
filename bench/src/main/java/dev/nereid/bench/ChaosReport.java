package dev.nereid.bench;

import java.util.List;
import java.util.SortedMap;
import org.jspecify.annotations.Nullable;

/**
 * What bad treatment brought to light.
 *
 * @param outcomes how often each deed ended how, as {@code deed: outcome}
 * @param openLeases when all was quiet again, or null where the server does not say
 * @param memory one line per quantity watched
 * @param violations what must not happen and did; empty for a good server
 */
public record ChaosReport(
    SortedMap<String, Long> outcomes,
    @Nullable Double openLeases,
    List<String> memory,
    List<String> violations) {

  /** The report for people. */
  public String text() {
    StringBuilder text = new StringBuilder();
    outcomes.forEach((outcome, count) -> text.append(String.format("%,12d  %s%n", count, outcome)));
    text.append("open leases at the end: ")
        .append(openLeases == null ? "not told" : openLeases.longValue())
        .append('\n');
    memory.forEach(line -> text.append(line).append('\n'));
    violations.forEach(line -> text.append("VIOLATION: ").append(line).append('\n'));
    return text.append(violations.isEmpty() ? "no violation\n" : "").toString();
  }
}
