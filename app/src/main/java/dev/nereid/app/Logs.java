package dev.nereid.app;

import dev.nereid.core.Ticker;
import dev.nereid.server.LogControl;
import dev.nereid.server.LogSettings;
import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.UnaryOperator;
import java.util.logging.Handler;
import java.util.logging.Level;
import java.util.logging.LogRecord;
import java.util.logging.Logger;
import java.util.logging.StreamHandler;
import org.jspecify.annotations.Nullable;

/**
 * Where SLF4J's words go: java.util.logging, one handler, one line a record, each flushed. What is
 * logged can be changed while serving. Thread-safe.
 */
final class Logs implements LogControl {
  private static final Logger ROOT = Logger.getLogger("");
  private static final Logger OURS = Logger.getLogger("dev.nereid");

  /** Loggers with a level of their own; held, since the JDK forgets those that nobody holds. */
  private static final List<Logger> LEVELED = new ArrayList<>();

  /** Libraries that repeat what we tell once: that Redis, or the collector of traces, is gone. */
  private static final Map<String, Level> TOLD_BY_US =
      Map.of("io.lettuce", Level.SEVERE, "io.opentelemetry", Level.OFF);

  private final Handler handler;
  private final LibraryLines libraries = new LibraryLines(Ticker.system());
  private volatile LogSettings settings;

  private Logs(Handler handler, LogSettings settings) {
    this.handler = handler;
    this.settings = settings;
  }

  /** Logs as asked from now on; what was set up before is replaced. */
  static synchronized Logs configure(ServeOptions.Logging options) throws IOException {
    Handler handler = new LineHandler(open(options.file()));
    Logs logs = new Logs(handler, settings(options));
    handler.setLevel(Level.ALL);
    handler.setFilter(logs::isWanted);
    for (Handler old : ROOT.getHandlers()) {
      ROOT.removeHandler(old);
      old.close();
    }
    LEVELED.forEach(logger -> logger.setLevel(null));
    LEVELED.clear();
    ROOT.setLevel(Level.INFO);
    Map<String, Level> levels = new HashMap<>(TOLD_BY_US);
    levels.putAll(options.levels());
    levels.forEach(
        (name, level) -> {
          Logger logger = Logger.getLogger(name);
          logger.setLevel(level);
          LEVELED.add(logger);
        });
    logs.apply();
    ROOT.addHandler(handler);
    return logs;
  }

  private static LogSettings settings(ServeOptions.Logging options) {
    Path file = options.file();
    return new LogSettings(
        file == null ? "" : file.toString(),
        options.info(),
        options.warning(),
        options.error(),
        options.verbose(),
        options.format().typed());
  }

  @Override
  public LogSettings settings() {
    return settings;
  }

  @Override
  public LogSettings update(UnaryOperator<LogSettings> change) {
    synchronized (Logs.class) {
      settings = change.apply(settings);
      apply();
      return settings;
    }
  }

  private void apply() {
    LogFormat format = LogFormat.named(settings.format());
    if (format != null) {
      handler.setFormatter(format.formatter(ProcessHandle.current().pid()));
    }
    if (!LEVELED.contains(OURS)) {
      OURS.setLevel(level(settings.verboseLevel()));
    }
  }

  private static Level level(int verbose) {
    return switch (verbose) {
      case 0 -> Level.INFO;
      case 1 -> Level.FINE;
      default -> Level.ALL;
    };
  }

  private boolean isWanted(LogRecord record) {
    boolean brief = settings.verboseLevel() == 0;
    return isWanted(record.getLevel()) && (!brief || libraries.isLoggable(record));
  }

  private boolean isWanted(Level level) {
    int value = level.intValue();
    if (value >= Level.SEVERE.intValue()) {
      return settings.error();
    }
    if (value >= Level.WARNING.intValue()) {
      return settings.warning();
    }
    // What is more than information was asked for by an option of its own.
    return value < Level.INFO.intValue() || settings.info();
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
