package dev.nereid.bench;

import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;

/**
 * How hard to press over time: callers of a closed loop, or requests per second of an open one.
 * Times are seconds since counting began.
 */
sealed interface Profile {
  /** The level at that time; the last one holds for ever. */
  double at(double second);

  /** The highest level. */
  double most();

  /** The level to warm up at. */
  default double first() {
    return at(0);
  }

  /** In words, with the highest level first. */
  String label();

  /** The same all the time. */
  record Constant(double level) implements Profile {
    public Constant {
      requirePositive("level", level);
    }

    @Override
    public double at(double second) {
      return level;
    }

    @Override
    public double most() {
      return level;
    }

    @Override
    public String label() {
      return text(level);
    }
  }

  /** Rises in equal steps until the end. */
  record Ramp(double level, double step, double seconds) implements Profile {
    public Ramp {
      requirePositive("level", level);
      requirePositive("ramp step", step);
      requirePositive("seconds", seconds);
    }

    @Override
    public double at(double second) {
      double steps = Math.ceil(level / step);
      return Math.min(level, step * (1 + Math.floor(Math.max(0, second) / seconds * steps)));
    }

    @Override
    public double most() {
      return level;
    }

    @Override
    public String label() {
      return text(level) + " ramp by " + text(step);
    }
  }

  /** Full load and none, in turns. */
  record Burst(double level, double on, double off) implements Profile {
    public Burst {
      requirePositive("level", level);
      requirePositive("burst length", on);
      requirePositive("burst interval", off);
    }

    @Override
    public double at(double second) {
      return second % (on + off) < on ? level : 0;
    }

    @Override
    public double most() {
      return level;
    }

    @Override
    public String label() {
      return text(level) + " burst " + text(on) + "s of " + text(on + off) + "s";
    }
  }

  /** One level after the other. */
  record Steps(List<Step> steps) implements Profile {
    /** A level and how long it holds. */
    record Step(double level, double seconds) {
      Step {
        requirePositive("step", seconds);
        if (level < 0) {
          throw new IllegalArgumentException("step: " + level + " (expected: >= 0)");
        }
      }
    }

    public Steps {
      steps = List.copyOf(steps);
      requirePositive(
          "steps", steps.stream().mapToDouble(Step::level).max().orElse(0)); // a load at all
    }

    @Override
    public double at(double second) {
      double end = 0;
      for (Step step : steps) {
        end += step.seconds;
        if (second < end) {
          return step.level;
        }
      }
      return steps.getLast().level;
    }

    @Override
    public double most() {
      return steps.stream().mapToDouble(Step::level).max().orElse(0);
    }

    @Override
    public double first() {
      return steps.stream()
          .mapToDouble(Step::level)
          .filter(level -> level > 0)
          .findFirst()
          .orElse(1);
    }

    @Override
    public String label() {
      return text(most())
          + " steps "
          + steps.stream().map(step -> text(step.level)).collect(Collectors.joining("-"));
    }

    double seconds() {
      return steps.stream().mapToDouble(Step::seconds).sum();
    }
  }

  private static void requirePositive(String name, double value) {
    if (!(value > 0) || Double.isInfinite(value)) {
      throw new IllegalArgumentException(name + ": " + value + " (expected: > 0)");
    }
  }

  /** Whole numbers without their fraction. */
  static String text(double value) {
    return value == Math.rint(value)
        ? Long.toString((long) value)
        : String.format(Locale.ROOT, "%.1f", value);
  }
}
