package dev.nereid.http;

/** Where the line of each answered request goes. Called on event loops: must not block. */
public interface AccessLog {
  /** Keeps nothing. */
  AccessLog OFF =
      new AccessLog() {
        @Override
        public boolean wants(long nanos) {
          return false;
        }

        @Override
        public void add(AccessLine line) {}
      };

  /** Whether a line is wanted of a request that took that long; asked before one is made. */
  boolean wants(long nanos);

  /** A request was answered. */
  void add(AccessLine line);
}
