package dev.nereid.bench;

import dev.nereid.client.InferenceException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.node.ObjectNode;

/**
 * Measures points that are compared with each other: each is rehearsed, then all are measured in
 * their order, and all once more in the opposite order. What is new at these points is paid in the
 * rehearsal, and what drifts on the machine drifts for all of them alike. For one thread.
 */
final class ForthAndBack {
  /** How long a point is rehearsed, as a share of the time it is measured, and at most. */
  private static final double REHEARSAL = 0.25;

  private static final double LONGEST_REHEARSAL_SECONDS = 0.5;

  /** A point whose requests take longer is measured by their number, and not rehearsed. */
  private static final double SLOW_SECONDS = 0.5;

  private static final double SLOWEST_ASKED_TWICE_NANOS = 2e9;
  private static final int WARM_UP_REQUESTS = 10;

  /** How long a half is warmed up at least and at most, as shares of the time of the point. */
  private static final double SHORTEST_WARM_UP = 0.05;

  private static final double LONGEST_WARM_UP = 0.33;

  /** Fewer requests for each caller in a half: the number is kept instead of the time. */
  private static final int FEW_ROUNDS = 10;

  private static final double PATIENCE = 4;

  /** What it takes to make the requests of a point, connect, and read the server's counters. */
  private static final double OPEN_SECONDS = 0.3;

  private final ProtocolWays ways;
  private final ProtocolsPlan plan;

  ForthAndBack(ProtocolWays ways, ProtocolsPlan plan) {
    this.ways = ways;
    this.plan = plan;
  }

  /**
   * What the rehearsal showed.
   *
   * @param firstNanos until the first answer
   * @param usualNanos until a later one, nothing else in flight
   * @param rate requests per second
   */
  private record Rehearsed(long firstNanos, long usualNanos, double rate) {}

  /** What became of a point so far. */
  private static final class Course {
    private final ProtocolCell cell;
    private final List<LoadResult> halves = new ArrayList<>();
    private @Nullable Rehearsed rehearsed;
    private @Nullable String error;

    Course(ProtocolCell cell) {
      this.cell = cell;
    }
  }

  /** Measures; a point that fails has its error, and the others go on. */
  List<ObjectNode> measure(List<ProtocolCell> cells) throws InterruptedException {
    List<Course> courses = cells.stream().map(Course::new).toList();
    for (Course course : courses) {
      rehearse(course);
    }
    for (Course course : courses) {
      measureHalf(course);
    }
    for (Course course : courses.reversed()) {
      measureHalf(course);
    }
    return courses.stream().map(ForthAndBack::node).toList();
  }

  private void rehearse(Course course) throws InterruptedException {
    ProtocolCell cell = course.cell;
    try (Target target = ways.to(cell).open()) {
      long first = OneCall.to(target, 0).nanos();
      long usual = first > SLOWEST_ASKED_TWICE_NANOS ? first : OneCall.to(target, 0).nanos();
      double rate = guess(cell, usual);
      if (usual < SLOW_SECONDS * 1e9) {
        LoadPlan load =
            LoadPlan.closed(cell.concurrency(), Duration.ZERO, seconds(rehearsalSeconds(plan)));
        LoadResult result = new LoadRun(target, load, ways.probe(cell), Progress.NONE).run();
        rate = result.completed() == 0 ? rate : result.throughput();
      }
      course.rehearsed = new Rehearsed(first, usual, rate);
    } catch (InferenceException e) {
      course.error = e.getMessage();
    }
  }

  private static double guess(ProtocolCell cell, long usualNanos) {
    double rate = cell.concurrency() * 1e9 / usualNanos;
    double bandwidth = cell.link().bytesPerSecond();
    return bandwidth > 0 ? Math.min(rate, bandwidth / cell.payloadBytes()) : rate;
  }

  private void measureHalf(Course course) throws InterruptedException {
    Rehearsed rehearsed = course.rehearsed;
    if (rehearsed == null || course.error != null) {
      return;
    }
    try (Target target = ways.to(course.cell).open()) {
      var _ = OneCall.to(target, 0); // connects
      LoadPlan load = loadPlan(course.cell, rehearsed);
      course.halves.add(new LoadRun(target, load, ways.probe(course.cell), Progress.NONE).run());
    } catch (InferenceException e) {
      course.error = e.getMessage();
    }
  }

  /** By time, or where that would be a handful of requests, by their number. */
  private LoadPlan loadPlan(ProtocolCell cell, Rehearsed rehearsed) {
    double usual = rehearsed.usualNanos / 1e9;
    double half = plan.halfSeconds();
    long least = plan.leastRequests(cell);
    double warmUp = warmUpSeconds(plan, usual);
    boolean few = half * rehearsed.rate < Math.max(least, (long) FEW_ROUNDS * cell.concurrency());
    if (plan.iterations() == 0 && !few) {
      return LoadPlan.closed(cell.concurrency(), seconds(warmUp), seconds(half));
    }
    long requests = plan.iterations() > 0 ? least : Math.max(least, (long) (half * rehearsed.rate));
    return new LoadPlan(
        new Load.Closed(new Profile.Constant(cell.concurrency())),
        seconds(warmUp),
        seconds(Math.max(PATIENCE * half, PATIENCE * requests / rehearsed.rate)),
        requests,
        false,
        Mix.PLAIN,
        1,
        false);
  }

  private static double rehearsalSeconds(ProtocolsPlan plan) {
    return Math.min(REHEARSAL * plan.cellSeconds(), LONGEST_REHEARSAL_SECONDS);
  }

  private static double warmUpSeconds(ProtocolsPlan plan, double usual) {
    return usual > SLOW_SECONDS
        ? 0
        : Math.clamp(
            WARM_UP_REQUESTS * usual,
            SHORTEST_WARM_UP * plan.cellSeconds(),
            LONGEST_WARM_UP * plan.cellSeconds());
  }

  private static Duration seconds(double seconds) {
    return Duration.ofNanos((long) (1e9 * seconds) + 1);
  }

  private static ObjectNode node(Course course) {
    ProtocolCell cell = course.cell;
    ObjectNode node = CellStore.newCell(cell.id());
    node.put("target", cell.target())
        .put("route", cell.route().id())
        .put("payload", cell.form())
        .put("batch", cell.batch())
        .put("concurrency", cell.concurrency())
        .put("link", cell.link().name())
        .put("per_call", cell.perCall());
    if (cell.payload() == Payload.TENSOR) {
      node.put("tensor_bytes", cell.tensorBytes());
    }
    Rehearsed rehearsed = course.rehearsed;
    if (course.error != null || rehearsed == null) {
      return node.put("error", course.error);
    }
    LoadResult result = MergedResult.of(course.halves);
    node.put("first_answer", rehearsed.firstNanos / 1e3);
    node.put("images_per_second", cell.batch() * result.throughput());
    var halves = node.putArray("halves");
    course.halves.forEach(half -> halves.add(cell.batch() * half.throughput()));
    ObjectNode run = node.putObject("run");
    ReportJson.write(run, result);
    run.remove(List.of("series", "distribution", "histogram"));
    return node;
  }

  /**
   * How long a point takes, roughly.
   *
   * @param imagesPerSecond what its way reached while it was warmed up
   */
  static double estimate(ProtocolCell cell, ProtocolsPlan plan, double imagesPerSecond) {
    double bandwidth = cell.link().bytesPerSecond();
    double served = cell.batch() / imagesPerSecond;
    double sent = bandwidth == 0 ? 0 : cell.payloadBytes() / bandwidth;
    double roundTrip = 2 * cell.link().delay().toNanos() / 1e9;
    double latency = served + sent + roundTrip * (cell.perCall() ? 2 : 1);
    double each = Math.max(latency / cell.concurrency(), Math.max(served, sent));
    double requests = plan.leastRequests(cell) * each;
    double half = plan.iterations() > 0 ? requests : Math.max(plan.halfSeconds(), requests);
    double warmUp = latency + warmUpSeconds(plan, latency);
    double rehearsal = 2 * latency + (latency > SLOW_SECONDS ? 0 : rehearsalSeconds(plan));
    return OPEN_SECONDS + rehearsal + 2 * (warmUp + half);
  }
}
