package dev.nereid.server;

import dev.nereid.core.Fault;
import dev.nereid.core.FaultException;
import dev.nereid.http.HttpExchange;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Runs control calls, which may block, in a virtual thread each. */
final class Control {
  private static final Logger LOG = LoggerFactory.getLogger(Control.class);

  private Control() {}

  /** Runs what answers the exchange; what it throws is the answer instead. */
  static void run(HttpExchange exchange, Runnable call) {
    var _ =
        Thread.startVirtualThread(
            () -> {
              try {
                call.run();
              } catch (RuntimeException e) {
                fail(exchange, e);
              }
            });
  }

  private static void fail(HttpExchange exchange, RuntimeException cause) {
    if (exchange.isClaimed()) {
      LOG.error("{} {}: failed after its answer", exchange.method(), exchange.path(), cause);
    } else if (cause instanceof FaultException fault) {
      HttpAnswers.failure(exchange, fault.failure());
    } else {
      LOG.error("{} {}: failed", exchange.method(), exchange.path(), cause);
      HttpAnswers.failure(exchange, Fault.INTERNAL.with("internal error"));
    }
  }
}
