package dev.nereid.gateway;

import dev.nereid.core.Failure;
import dev.nereid.core.Fault;
import org.jspecify.annotations.Nullable;

/**
 * Where a request goes.
 *
 * @param serving who runs it
 * @param standIn where that goes which nobody takes after all: between this choice and the call
 *     itself breakers open, probes are given to others, servers end; null for nowhere
 */
record Route(Serving serving, ImageModel model, @Nullable Route standIn) {
  /** Where a request goes that nobody stands in for. */
  Route(Serving serving, ImageModel model) {
    this(serving, model, null);
  }

  /** Whether that failure means that nobody serves the model. */
  static boolean isUnserved(Failure failure) {
    return failure.fault() == Fault.NOT_READY;
  }
}
