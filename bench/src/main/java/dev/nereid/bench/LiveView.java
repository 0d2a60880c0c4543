package dev.nereid.bench;

import java.io.PrintWriter;
import java.util.ArrayDeque;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * Shows a run while it goes on: on a terminal a few lines that are drawn again every second,
 * elsewhere a line each second.
 */
final class LiveView implements Progress {
  private static final String BARS = "▁▂▃▄▅▆▇█";
  private static final int WIDTH = 60;
  private static final int LINES = 5;
  private static final String UP_AND_CLEAR = "\033[" + LINES + "A\033[J";

  private final PrintWriter out;
  private final boolean terminal;
  private final ArrayDeque<Double> rates = new ArrayDeque<>();
  private final ArrayDeque<Double> latencies = new ArrayDeque<>();
  private boolean drawn;

  LiveView(PrintWriter out, boolean terminal) {
    this.out = out;
    this.terminal = terminal;
  }

  /** Drawn where someone looks on. */
  @SuppressWarnings("SystemConsoleNull") // null where a JVM has no console at all
  static LiveView on(PrintWriter err) {
    var console = System.console();
    return new LiveView(err, console != null && console.isTerminal());
  }

  @Override
  public void show(Tick tick) {
    if (terminal) {
      draw(tick);
    } else {
      out.println(line(tick));
    }
    out.flush();
  }

  @Override
  public void end() {
    if (drawn) {
      out.print(UP_AND_CLEAR);
      out.flush();
    }
  }

  private static String line(Tick tick) {
    LoadResult.Second second = tick.second();
    String phase = tick.warmUp() ? "warm-up" : "";
    return String.format(
        Locale.ROOT,
        "%s  %7s %3.0fs  %,10.0f req/s  p50 %s  p99 %s  errors %,d  in flight %,d",
        tick.plan().load().label(),
        phase,
        tick.elapsed(),
        second.completed() / second.seconds(),
        Times.micros(second.medianMicros()),
        Times.micros(second.p99Micros()),
        tick.failed(),
        second.inFlight());
  }

  private void draw(Tick tick) {
    LoadResult.Second second = tick.second();
    add(rates, second.completed() / second.seconds());
    add(latencies, second.p99Micros() == null ? or(second.maxMicros(), 0) : second.p99Micros());
    if (drawn) {
      out.print(UP_AND_CLEAR);
    }
    drawn = true;
    boolean bounded = tick.total() < Double.POSITIVE_INFINITY;
    int done = bounded ? (int) Math.min(WIDTH, WIDTH * tick.elapsed() / tick.total()) : 0;
    out.printf(
        Locale.ROOT,
        "%s  %s  %.0fs%s  %s%s%n",
        tick.plan().load().label(),
        tick.warmUp() ? "warm-up" : "counting",
        tick.elapsed(),
        bounded ? String.format(Locale.ROOT, " of %.0fs", tick.total()) : "",
        "━".repeat(done),
        "╌".repeat(WIDTH - done));
    out.printf(
        Locale.ROOT,
        "  req/s   %-60s %,.0f%n",
        spark(rates),
        second.completed() / second.seconds());
    out.printf(
        Locale.ROOT, "  p99     %-60s %s%n", spark(latencies), Times.micros(second.p99Micros()));
    out.printf(
        Locale.ROOT,
        "  p50 %s  max %s  in flight %,d%n",
        Times.micros(second.medianMicros()),
        Times.micros(second.maxMicros()),
        second.inFlight());
    out.printf(Locale.ROOT, "  errors %,d%n", tick.failed());
  }

  private static double or(@Nullable Double value, double otherwise) {
    return value == null ? otherwise : value;
  }

  private static void add(ArrayDeque<Double> values, double value) {
    values.addLast(value);
    if (values.size() > WIDTH) {
      values.removeFirst();
    }
  }

  /** A bar for each value, the highest one full. */
  static String spark(Iterable<Double> values) {
    double most = 0;
    for (double value : values) {
      most = Math.max(most, value);
    }
    StringBuilder text = new StringBuilder();
    for (double value : values) {
      int level = most == 0 ? 0 : (int) Math.round((BARS.length() - 1) * value / most);
      text.append(BARS.charAt(level));
    }
    return text.toString();
  }
}
