package dev.nereid.bench;

import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** How hard to press, and for how long. What is not said is left to the mode. */
final class LoadOptions {
  private static final List<Integer> MATRIX = List.of(32, 64, 128, 256, 512, 1024);
  private static final int CONCURRENCY = 16;

  @Option(
      names = {"-c", "--concurrency", "--clients"},
      split = ",",
      paramLabel = "N",
      description = "Callers of a closed loop; several numbers for several runs (default 16).")
  List<Integer> concurrency = new ArrayList<>();

  @Option(
      names = {"-r", "--rate"},
      split = ",",
      paramLabel = "R",
      description =
          "Requests per second of an open loop, instead of -c; latency counts from the intended"
              + " start; several numbers for several runs.")
  List<Double> rates = new ArrayList<>();

  @Option(
      names = "--arrivals",
      defaultValue = "poisson",
      description = "Of an open loop: poisson or constant (default ${DEFAULT-VALUE}).")
  String arrivals = "";

  @Option(
      names = {"--pattern", "--load-pattern"},
      description =
          "constant, ramp (to the level, in steps), burst (the level and nothing in turns) or steps.")
  @Nullable String pattern;

  @Option(
      names = "--ramp-step",
      defaultValue = "16",
      description = "Of a ramp (default ${DEFAULT-VALUE}).")
  double rampStep;

  @Option(
      names = "--burst-length",
      defaultValue = "5s",
      converter = Times.class,
      description = "Of a burst (default ${DEFAULT-VALUE}).")
  Duration burstLength = Duration.ZERO;

  @Option(
      names = "--burst-interval",
      defaultValue = "10s",
      converter = Times.class,
      description = "Between bursts (default ${DEFAULT-VALUE}).")
  Duration burstInterval = Duration.ZERO;

  @Option(
      names = "--steps",
      split = ",",
      paramLabel = "LEVEL:TIME",
      description = "Levels one after the other, such as 10:5s,100:5s.")
  List<String> steps = new ArrayList<>();

  @Option(
      names = "--trace",
      paramLabel = "FILE",
      description = "Replays a recorded load: lines of seconds[,variant[,class]].")
  @Nullable Path trace;

  @Option(
      names = "--speed",
      defaultValue = "1",
      description = "Of the replay (default ${DEFAULT-VALUE}).")
  double speed;

  @Option(
      names = {"-d", "--duration"},
      converter = Times.class,
      paramLabel = "TIME",
      description = "Counted for each run, such as 500ms, 10s, 2m (default 10s).")
  @Nullable Duration duration;

  @Option(
      names = {"-w", "--warmup"},
      converter = Times.class,
      paramLabel = "TIME|auto",
      description =
          "Not counted; auto: until three seconds in a row agree within 5 %% (default auto).")
  @Nullable Duration warmUp;

  @Option(
      names = {"-n", "--requests"},
      defaultValue = "0",
      description = "Ends a run after so many requests.")
  long requests;

  @Option(
      names = "--priority",
      defaultValue = "",
      paramLabel = "P[=WEIGHT],..",
      description = "Triton's request priority; several are mixed by weight.")
  String priorities = "";

  @Option(
      names = "--deadline",
      defaultValue = "",
      paramLabel = "TIME[=WEIGHT],..",
      description = "For each request (default none); several are mixed by weight.")
  String deadlines = "";

  @Option(
      names = "--repeat",
      defaultValue = "1",
      description = "Does every run so many times, for intervals that hold from run to run.")
  int repeat;

  @Option(
      names = "--seed",
      defaultValue = "1",
      description = "Decides data and orders (default ${DEFAULT-VALUE}).")
  long seed;

  @Option(
      names = "--verify",
      description = "Compare every reply's content with the reply to the same request sent alone.")
  boolean verify;

  @Option(
      names = "--matrix-clients",
      split = ",",
      paramLabel = "N",
      description = "Callers in mode matrix (default 32,64,128,256,512,1024).")
  List<Integer> matrixClients = new ArrayList<>();

  /** The runs without a mode: the trace, every rate, or every concurrency. */
  List<LoadPlan> plans() {
    List<LoadPlan> plans = new ArrayList<>();
    if (trace != null) {
      Trace recorded = Trace.read(trace);
      Duration whole = Duration.ofMillis((long) (1e3 * recorded.seconds() / speed) + 1);
      plans.add(plan(new Load.Replay(recorded, speed), duration == null ? whole : duration));
      return plans;
    }
    for (double rate : rates) {
      plans.add(plan(new Load.Open(profile(rate, duration()), isPoisson()), duration()));
    }
    for (int callers : rates.isEmpty() ? callers(CONCURRENCY) : List.<Integer>of()) {
      plans.add(closed(callers, duration()));
    }
    return plans;
  }

  /** A closed loop with the pattern asked for. */
  LoadPlan closed(int callers, Duration time) {
    return plan(new Load.Closed(profile(callers, time)), time);
  }

  private LoadPlan plan(Load load, Duration time) {
    return new LoadPlan(
        load,
        warmUp == null ? LoadPlan.UNTIL_STABLE : warmUp,
        time,
        requests,
        false,
        Mix.parse(priorities, deadlines),
        seed,
        verify);
  }

  /** The callers asked for, or those. */
  List<Integer> callers(int otherwise) {
    return concurrency.isEmpty() ? List.of(otherwise) : concurrency;
  }

  List<Integer> matrix() {
    return !matrixClients.isEmpty() ? matrixClients : concurrency.isEmpty() ? MATRIX : concurrency;
  }

  /** The duration asked for, or 10 s, or the steps' own. */
  Duration duration() {
    if (duration == null && !steps.isEmpty()) {
      return Duration.ofMillis(Math.round(1e3 * parseSteps().seconds()));
    }
    return duration(Duration.ofSeconds(10));
  }

  Duration duration(Duration otherwise) {
    return duration == null ? otherwise : duration;
  }

  private boolean isPoisson() {
    return switch (arrivals) {
      case "poisson" -> true;
      case "constant" -> false;
      default ->
          throw new IllegalArgumentException(
              "--arrivals: '" + arrivals + "' (expected: poisson or constant)");
    };
  }

  private Profile profile(double level, Duration time) {
    String name = pattern == null ? (steps.isEmpty() ? "constant" : "steps") : pattern;
    return switch (name.toLowerCase(Locale.ROOT)) {
      case "constant" -> new Profile.Constant(level);
      case "ramp" -> new Profile.Ramp(level, Math.min(rampStep, level), time.toMillis() / 1e3);
      case "burst" ->
          new Profile.Burst(level, burstLength.toMillis() / 1e3, burstInterval.toMillis() / 1e3);
      case "steps" -> parseSteps();
      default ->
          throw new IllegalArgumentException(
              "--pattern: '" + name + "' (expected: constant, ramp, burst or steps)");
    };
  }

  private Profile.Steps parseSteps() {
    List<Profile.Steps.Step> all = new ArrayList<>();
    for (String step : steps) {
      int colon = step.indexOf(':');
      if (colon < 1) {
        throw new IllegalArgumentException(
            "--steps: '" + step + "' (expected: LEVEL:TIME, such as 10:5s)");
      }
      all.add(
          new Profile.Steps.Step(
              Double.parseDouble(step.substring(0, colon)),
              Times.parse(step.substring(colon + 1)).toMillis() / 1e3));
    }
    return new Profile.Steps(all);
  }
}
