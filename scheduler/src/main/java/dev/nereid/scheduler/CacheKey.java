package dev.nereid.scheduler;

/** The 256 bits that stand for a request in the response cache; see {@link RequestDigest}. */
record CacheKey(long first, long second, long third, long fourth) {
  /** The bits are uniform, so that any of them make a good hash. */
  @Override
  public int hashCode() {
    return (int) first;
  }
}
