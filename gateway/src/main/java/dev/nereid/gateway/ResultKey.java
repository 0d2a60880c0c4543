package dev.nereid.gateway;

import java.util.List;

/** The 256 bits that stand for a request; see {@link ResultDigest}. */
record ResultKey(long first, long second, long third, long fourth) {
  /** The key of the same request where these loads answer it. */
  ResultKey with(List<Long> loads) {
    long mixed = 0;
    for (long load : loads) {
      mixed = mixed * 0x9e3779b97f4a7c15L + load;
    }
    return new ResultKey(first, second, third, fourth ^ mixed);
  }

  /** The bits are uniform, so that any of them make a good hash. */
  @Override
  public int hashCode() {
    return (int) first;
  }
}
