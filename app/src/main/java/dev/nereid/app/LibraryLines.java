package dev.nereid.app;

import dev.nereid.core.Ticker;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.logging.Filter;
import java.util.logging.LogRecord;

/**
 * Keeps the libraries below us brief: a transport throws when a client sends it nonsense, and would
 * log a page for each such message. What a logger that is not ours says with an exception becomes
 * one line, and of each kind a few in ten seconds. Thread-safe.
 */
final class LibraryLines implements Filter {
  private static final String OURS = "dev.nereid";
  private static final int LINES = 3;
  private static final int KINDS = 256;
  private static final long WINDOW_NANOS = TimeUnit.SECONDS.toNanos(10);

  private final Ticker ticker;
  private final Map<String, Window> windows = new HashMap<>(); // guarded by this

  /** How often one kind was told since when. */
  private static final class Window {
    long began;
    int lines;
  }

  LibraryLines(Ticker ticker) {
    this.ticker = ticker;
  }

  /** Whether to log it; shortens it if so. */
  @Override
  public synchronized boolean isLoggable(LogRecord line) {
    Throwable thrown = line.getThrown();
    String logger = String.valueOf(line.getLoggerName());
    if (thrown == null || logger.startsWith(OURS)) {
      return true;
    }
    Throwable root = thrown;
    while (root.getCause() != null) {
      root = root.getCause();
    }
    int left = left(logger + ' ' + root.getClass().getName());
    if (left < 0) {
      return false;
    }
    line.setThrown(null);
    line.setMessage(
        line.getMessage()
            + ": "
            + root
            + (left == 0 ? " (more like it are not told for 10 s)" : ""));
    return true;
  }

  /** How many more of a kind will be told; below 0 when this one is not. */
  private int left(String kind) {
    if (windows.size() >= KINDS) {
      windows.clear();
    }
    long now = ticker.nanos();
    Window window = windows.computeIfAbsent(kind, _ -> new Window());
    if (window.lines == 0 || now - window.began >= WINDOW_NANOS) {
      window.began = now;
      window.lines = 0;
    }
    return LINES - ++window.lines;
  }
}
