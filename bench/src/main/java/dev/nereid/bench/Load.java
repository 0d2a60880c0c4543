package dev.nereid.bench;

/** What decides when the next request begins. */
sealed interface Load {
  /** In words, for tables. */
  String label();

  /** So many callers, each of which asks again when it is answered. */
  record Closed(Profile clients) implements Load {
    @Override
    public String label() {
      return clients.label();
    }
  }

  /** So many requests per second, whether the server keeps up or not. */
  record Open(Profile perSecond, boolean poisson) implements Load {
    @Override
    public String label() {
      return perSecond.label() + "/s" + (poisson ? " poisson" : "");
    }
  }

  /** The times, and what else was recorded, of another load. */
  record Replay(Trace trace, double speed) implements Load {
    public Replay {
      if (!(speed > 0)) {
        throw new IllegalArgumentException("speed: " + speed + " (expected: > 0)");
      }
    }

    @Override
    public String label() {
      return "trace of " + trace.size() + (speed == 1 ? "" : " x" + Profile.text(speed));
    }
  }

  /** Callers of a closed loop, or 0. */
  default int callers() {
    return switch (this) {
      case Closed(Profile clients) -> (int) Math.ceil(clients.most());
      case Open _, Replay _ -> 0;
    };
  }

  /** The highest rate of an open loop, the mean one of a trace, or 0. */
  default double rate() {
    return switch (this) {
      case Closed _ -> 0;
      case Open(Profile perSecond, boolean _) -> perSecond.most();
      case Replay(Trace trace, double speed) -> trace.meanRate() * speed;
    };
  }
}
