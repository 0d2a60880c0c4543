package dev.nereid.bench;

import java.time.Duration;

/**
 * How the points of a protocol comparison are measured.
 *
 * @param cellSeconds each is measured for about so long, in two halves
 * @param iterations requests for each point instead; 0 for none
 * @param warmUp for each way before the first point, so that none is measured while the server's
 *     compilers still work for it; zero for none
 * @param warmUpModel a small model by which the protocols themselves are warmed up before that,
 *     where a server has it: large requests are too few to have them compiled
 * @param budget for all; points for which it does not suffice are left out
 */
record ProtocolsPlan(
    double cellSeconds, int iterations, Duration warmUp, String warmUpModel, Duration budget) {
  private static final int FEWEST = 3;

  /** Requests that each half of a point has at least. */
  long leastRequests(ProtocolCell cell) {
    long least = Math.max(FEWEST, (3L * cell.concurrency() + 1) / 2);
    return Math.max((iterations + 1L) / 2, least);
  }

  /** How long each half of a point is pressed, where requests are answered quickly. */
  double halfSeconds() {
    return cellSeconds / 2;
  }
}
