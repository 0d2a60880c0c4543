package dev.nereid.bench;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/** Loads that people know by name. */
enum Mode {
  /** Sixteen callers for thirty seconds. */
  QUICK("16 clients, 30 s"),
  /** As many callers for as long as said. */
  FULL("64 clients, 60 s"),
  /** Looks for the knee, then holds it. */
  SUSTAINED("finds the number of clients beyond which nothing is gained, then holds it for 300 s"),
  /** One and the same request, again and again, one at a time. */
  SINGLE("one request ten times, one after the other"),
  /** Every distinct request once, one at a time. */
  SET("every distinct request or picture once, one after the other"),
  /** Every distinct request once, by many callers. */
  ALL("every distinct request or picture once, by 64 clients together"),
  /** A load that changes. */
  VARIABLE("a load that changes: --load-pattern ramp (default), burst or steps"),
  /** One run for each number of callers. */
  MATRIX("one run for each of --matrix-clients");

  private static final Duration HOUR = Duration.ofHours(1);
  private static final int FULL_CLIENTS = 64;
  private static final int SINGLE_CALLS = 10;
  private static final Duration MINUTE = Duration.ofMinutes(1);

  private final String what;

  Mode(String what) {
    this.what = what;
  }

  /** One line for people. */
  String described() {
    return String.format(Locale.ROOT, "%-10s %s", name().toLowerCase(Locale.ROOT), what);
  }

  /** Runs plans one by one. */
  @FunctionalInterface
  interface Runner {
    LoadResult run(LoadPlan plan) throws InterruptedException;
  }

  /** Changes what is to be sent, where the mode decides that. */
  void prepare(TargetOptions target) {
    if (this == SINGLE) {
      target.inputs = 1;
      target.imageLimit = 1;
    }
  }

  List<LoadResult> run(LoadOptions load, Runner runner) throws InterruptedException {
    List<LoadResult> results = new ArrayList<>();
    switch (this) {
      case QUICK -> results.add(runner.run(load.closed(16, load.duration(Duration.ofSeconds(30)))));
      case FULL -> {
        for (int callers : load.callers(FULL_CLIENTS)) {
          results.add(runner.run(load.closed(callers, load.duration(MINUTE))));
        }
      }
      case SUSTAINED -> results.addAll(new KneeSearch(load, runner).run());
      case SINGLE ->
          results.add(
              runner.run(
                  inTurn(load, 1).inOrder(load.requests > 0 ? load.requests : SINGLE_CALLS)));
      case SET -> results.add(runner.run(inTurn(load, 1)));
      case ALL -> results.add(runner.run(inTurn(load, load.callers(FULL_CLIENTS).getFirst())));
      case VARIABLE -> {
        load.pattern = load.pattern == null && load.steps.isEmpty() ? "ramp" : load.pattern;
        for (LoadPlan plan :
            load.rates.isEmpty()
                ? List.of(
                    load.closed(
                        load.callers(FULL_CLIENTS).getFirst(),
                        load.steps.isEmpty() ? load.duration(MINUTE) : load.duration()))
                : load.plans()) {
          results.add(runner.run(plan));
        }
      }
      case MATRIX -> {
        for (int callers : load.matrix()) {
          results.add(runner.run(load.closed(callers, load.duration())));
        }
      }
    }
    return results;
  }

  /** Every distinct request in turn; exactly those are asked for, so there is no warm-up. */
  private static LoadPlan inTurn(LoadOptions load, int callers) {
    return load.closed(callers, HOUR)
        .withTimes(load.warmUp == null ? Duration.ZERO : load.warmUp, load.duration(HOUR))
        .inOrder(load.requests);
  }

  /** Names on the command line. */
  static final class Names implements ITypeConverter<Mode> {
    @Override
    public Mode convert(String value) {
      for (Mode mode : values()) {
        if (mode.name().equalsIgnoreCase(value)) {
          return mode;
        }
      }
      throw new TypeConversionException(
          "'"
              + value
              + "' (expected: quick, full, sustained, single, set, all, variable or matrix)");
    }
  }
}
