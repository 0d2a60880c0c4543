package dev.nereid.bench;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

/** Classes of requests that differ in priority and deadline, and how often each is sent. */
record Mix(List<Share> shares) {
  /** One class: no priority, no deadline. */
  static final Mix PLAIN = new Mix(List.of(new Share(0, Duration.ZERO, 1)));

  /**
   * A class of requests.
   *
   * @param priority Triton's request parameter; 0 for none
   * @param deadline zero for none
   * @param weight relative to the others'
   */
  record Share(int priority, Duration deadline, double weight) {
    Share {
      if (priority < 0) {
        throw new IllegalArgumentException("priority: " + priority + " (expected: >= 0)");
      }
      if (deadline.isNegative()) {
        throw new IllegalArgumentException("deadline: " + deadline + " (expected: not negative)");
      }
      if (!(weight > 0)) {
        throw new IllegalArgumentException("weight: " + weight + " (expected: > 0)");
      }
    }

    String label() {
      List<String> parts = new ArrayList<>();
      if (priority > 0) {
        parts.add("priority " + priority);
      }
      if (!deadline.isZero()) {
        parts.add("deadline " + deadline.toMillis() + "ms");
      }
      return parts.isEmpty() ? "plain" : String.join(", ", parts);
    }
  }

  Mix {
    shares = List.copyOf(shares);
    if (shares.isEmpty()) {
      throw new IllegalArgumentException("mix: no class (expected: at least one)");
    }
  }

  /**
   * Every priority with every deadline.
   *
   * @param priorities such as {@code 1=20,2=80}; empty for none
   * @param deadlines such as {@code 50ms=10,1s=90}; empty for none
   */
  static Mix parse(String priorities, String deadlines) {
    List<Share> shares = new ArrayList<>();
    for (String priority : parts(priorities)) {
      for (String deadline : parts(deadlines)) {
        shares.add(
            new Share(
                priority.isEmpty() ? 0 : Integer.parseInt(name(priority)),
                deadline.isEmpty() ? Duration.ZERO : Times.parse(name(deadline)),
                weight(priority) * weight(deadline)));
      }
    }
    return new Mix(shares);
  }

  private static List<String> parts(String text) {
    return List.of(text.strip().split(",", -1));
  }

  private static String name(String part) {
    return part.replaceFirst("=.*", "").strip();
  }

  private static double weight(String part) {
    int equals = part.indexOf('=');
    return equals < 0 ? 1 : Double.parseDouble(part.substring(equals + 1).strip());
  }

  /**
   * The class that falls on a random number.
   *
   * @param uniform from 0 to 1
   */
  int pick(double uniform) {
    int last = shares.size() - 1;
    if (last == 0) {
      return 0;
    }
    double left = 0;
    for (Share share : shares) {
      left += uniform * share.weight;
    }
    for (int i = 0; i < last; i++) {
      left -= shares.get(i).weight;
      if (left < 0) {
        return i;
      }
    }
    return last;
  }
}
