package dev.nereid.bench;

import java.util.List;

/**
 * A sentence about ratios, which is tried at every point.
 *
 * @param low ratios from here on are as it says
 * @param high up to here
 * @param refuted ratios below this one contradict it; as a rule the same as {@code low}, and more
 *     where the sentence allows for a difference that does not matter
 */
record Claim(String text, double low, double high, double refuted) {

  /** What comes of a claim. */
  enum Verdict {
    /** At every point beyond chance. */
    HOLDS("holds"),
    /** Contradicted beyond chance at one point at least. */
    DOES_NOT_HOLD("does not hold"),
    /** Nothing contradicts it beyond chance, and not every point confirms it. */
    NOT_DISTINGUISHABLE("not distinguishable");

    private final String words;

    Verdict(String words) {
      this.words = words;
    }

    String words() {
      return words;
    }
  }

  /** At how many points it was confirmed, contradicted, or neither. */
  record Outcome(int confirmed, int contradicted, int open) {
    static final Outcome NONE = new Outcome(0, 0, 0);

    Outcome plus(Outcome more) {
      return new Outcome(
          confirmed + more.confirmed, contradicted + more.contradicted, open + more.open);
    }

    Verdict verdict() {
      if (contradicted > 0) {
        return Verdict.DOES_NOT_HOLD;
      }
      return open > 0 || confirmed == 0 ? Verdict.NOT_DISTINGUISHABLE : Verdict.HOLDS;
    }
  }

  static Claim below(String text, double ratio) {
    return new Claim(text, 0, ratio, 0);
  }

  static Claim atLeast(String text, double ratio) {
    return new Claim(text, ratio, Double.POSITIVE_INFINITY, ratio);
  }

  Verdict at(Interval ratio) {
    if (ratio.high() < refuted || ratio.low() > high) {
      return Verdict.DOES_NOT_HOLD;
    }
    return ratio.low() >= low && ratio.high() <= high ? Verdict.HOLDS : Verdict.NOT_DISTINGUISHABLE;
  }

  Outcome of(List<Interval> ratios) {
    Outcome all = Outcome.NONE;
    for (Interval ratio : ratios) {
      all =
          all.plus(
              switch (at(ratio)) {
                case HOLDS -> new Outcome(1, 0, 0);
                case DOES_NOT_HOLD -> new Outcome(0, 1, 0);
                case NOT_DISTINGUISHABLE -> new Outcome(0, 0, 1);
              });
    }
    return all;
  }
}
