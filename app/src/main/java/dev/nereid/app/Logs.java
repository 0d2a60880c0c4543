package dev.nereid.app;

import dev.nereid.core.Ticker;
import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.ZoneId;
import java.util.logging.Handler;
import java.util.logging.Level;
import java.util.logging.LogRecord;
import java.util.logging.Logger;
import java.util.logging.StreamHandler;
import org.jspecify.annotations.Nullable;

/**
 * Sets up where SLF4J's words go: java.util.logging, one handler, one line a record, each flushed.
 */
final class Logs {
  private static final Logger ROOT = Logger.getLogger("");

  /** Held here, since java.util.logging itself forgets loggers that nobody holds. */
  private static final Logger OURS = Logger.getLogger("dev.nereid");

  private Logs() {}

  /** Logs as asked from now on; what was set up before is replaced. */
  static void configure(ServeOptions.Logging options) throws IOException {
    for (Handler handler : ROOT.getHandlers()) {
      ROOT.removeHandler(handler);
      handler.close();
    }
    ROOT.setLevel(Level.INFO);
    OURS.setLevel(level(options.verbose()));
    Handler handler = new LineHandler(open(options.file()));
    handler.setFormatter(
        new LogLines(options.iso8601(), ProcessHandle.current().pid(), ZoneId.systemDefault()));
    handler.setLevel(Level.ALL);
    LibraryLines libraries = new LibraryLines(Ticker.system());
    boolean brief = options.verbose() == 0;
    handler.setFilter(
        record -> isWanted(record.getLevel(), options) && (!brief || libraries.isLoggable(record)));
    ROOT.addHandler(handler);
  }

  private static Level level(int verbose) {
    return switch (verbose) {
      case 0 -> Level.INFO;
      case 1 -> Level.FINE;
      default -> Level.ALL;
    };
  }

  private static boolean isWanted(Level level, ServeOptions.Logging options) {
    int value = level.intValue();
    if (value >= Level.SEVERE.intValue()) {
      return options.error();
    }
    if (value >= Level.WARNING.intValue()) {
      return options.warning();
    }
    // What is more than information was asked for by its own option.
    return value < Level.INFO.intValue() || options.info();
  }

  private static OutputStream open(@Nullable Path file) throws IOException {
    if (file == null) {
      return System.err;
    }
    return Files.newOutputStream(file, StandardOpenOption.CREATE, StandardOpenOption.APPEND);
  }

  /** Flushes every line, so that a crash loses none. */
  private static final class LineHandler extends StreamHandler {
    LineHandler(OutputStream out) throws IOException {
      setEncoding(StandardCharsets.UTF_8.name());
      setOutputStream(out instanceof PrintStream ? new Unclosed(out) : out);
    }

    @Override
    public synchronized void publish(LogRecord record) {
      super.publish(record);
      flush();
    }
  }

  /** Standard error, which is not ours to close. */
  private static final class Unclosed extends java.io.FilterOutputStream {
    Unclosed(OutputStream out) {
      super(out);
    }

    @Override
    public void write(byte[] bytes, int offset, int length) throws IOException {
      out.write(bytes, offset, length);
    }

    @Override
    public void close() throws IOException {
      flush();
    }
  }
}
