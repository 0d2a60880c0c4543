package dev.nereid.gateway;

import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Where the requests for one model go. Immutable.
 *
 * @param model as clients name it
 * @param arms at least one; those of weight 0 get nothing
 * @param sticky what keeps a client, or a picture, with its arm
 * @param shadow what gets copies of requests; null for nothing
 */
record TrafficPlan(String model, List<TrafficArm> arms, Sticky sticky, @Nullable Shadow shadow) {
  private static final int MOST_ARMS = 16;

  /** By what a request's arm is chosen. */
  enum Kind {
    /** By turns. */
    NOTHING,
    /** By the value of a header; by turns where it is missing. */
    HEADER,
    /** By the client's address. */
    CLIENT,
    /** By the picture's bytes, so that equal pictures have one arm. */
    PICTURE
  }

  /**
   * What keeps a request with its arm.
   *
   * @param header its name, in lower case; empty unless that is the kind
   */
  record Sticky(Kind kind, String header) {
    static final Sticky NOTHING = new Sticky(Kind.NOTHING, "");
  }

  /**
   * What gets copies of requests, and is compared.
   *
   * @param sample the share of requests that are copied, 0 to 1
   * @param overlap from which intersection over union two boxes are the same object
   * @param cosine from which two embeddings are the same
   */
  record Shadow(TrafficArm arm, double sample, double overlap, double cosine) {
    static final double OVERLAP = 0.5;
    static final double COSINE = 0.99;

    Shadow {
      require("sample", sample);
      require("iou", overlap);
      require("cosine", cosine);
    }

    private static void require(String name, double value) {
      if (!(value >= 0 && value <= 1)) {
        throw new IllegalArgumentException(
            "traffic: shadow." + name + ": " + value + " (expected: 0 to 1)");
      }
    }
  }

  TrafficPlan {
    arms = List.copyOf(arms);
    if (arms.isEmpty() || arms.size() > MOST_ARMS) {
      throw new IllegalArgumentException(
          "traffic: " + arms.size() + " arms (expected: 1 to " + MOST_ARMS + ")");
    }
    Set<String> names = new HashSet<>();
    double sum = 0;
    for (TrafficArm arm : arms) {
      sum += arm.weight();
      if (!names.add(arm.name())) {
        throw new IllegalArgumentException("traffic: two arms are named '" + arm.name() + "'");
      }
    }
    if (!(sum > 0)) {
      throw new IllegalArgumentException("traffic: weights (expected: one above 0 at least)");
    }
    if (shadow != null && names.contains(shadow.arm().name())) {
      throw new IllegalArgumentException(
          "traffic: the shadow is named '" + shadow.arm().name() + "' as an arm is");
    }
  }

  /** The arm of that name, or the shadow's; null when there is none. */
  @Nullable TrafficArm arm(String name) {
    for (TrafficArm arm : arms) {
      if (arm.name().equals(name)) {
        return arm;
      }
    }
    return shadow != null && shadow.arm().name().equals(name) ? shadow.arm() : null;
  }

  /** The plan in which everything goes to one arm, and nothing is copied. */
  TrafficPlan promoting(TrafficArm arm) {
    return new TrafficPlan(model, List.of(arm.weighing(1)), Sticky.NOTHING, null);
  }
}
