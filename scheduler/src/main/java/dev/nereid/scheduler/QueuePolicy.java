package dev.nereid.scheduler;

import dev.nereid.config.proto.ModelQueuePolicy;
import dev.nereid.config.proto.ModelQueuePolicy.TimeoutAction;
import java.util.concurrent.TimeUnit;

/**
 * How long and how many requests of one priority level may wait.
 *
 * @param delayOnTimeout whether a request whose time is over goes behind the others instead of
 *     being refused
 * @param timeoutNanos how long one may wait; 0 for ever
 * @param allowOverride whether a request may ask for a shorter time
 * @param maxSize how many may wait; 0 for any number
 */
record QueuePolicy(boolean delayOnTimeout, long timeoutNanos, boolean allowOverride, long maxSize) {
  static final QueuePolicy UNLIMITED = new QueuePolicy(false, 0, false, 0);

  static QueuePolicy of(ModelQueuePolicy policy) {
    return new QueuePolicy(
        policy.getTimeoutAction() == TimeoutAction.DELAY,
        TimeUnit.MICROSECONDS.toNanos(policy.getDefaultTimeoutMicroseconds()),
        policy.getAllowTimeoutOverride(),
        Integer.toUnsignedLong(policy.getMaxQueueSize()));
  }

  /**
   * When the time of a request is over.
   *
   * @param askedMicros the request's own timeout; 0 for none. It counts only when it is allowed and
   *     shorter than the policy's, as Triton has it.
   */
  long timeoutAt(long nowNanos, long askedMicros) {
    if (timeoutNanos == 0) {
      return Long.MAX_VALUE;
    }
    long asked = TimeUnit.MICROSECONDS.toNanos(askedMicros);
    boolean override = allowOverride && asked > 0 && asked < timeoutNanos;
    return nowNanos + (override ? asked : timeoutNanos);
  }

  boolean isUnlimited() {
    return timeoutNanos == 0 && maxSize == 0;
  }
}
