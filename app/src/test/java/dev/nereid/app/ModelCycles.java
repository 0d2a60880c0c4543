package dev.nereid.app;

import dev.nereid.engine.Engine;
import dev.nereid.engine.EngineOptions;
import dev.nereid.engine.EngineOptions.Control;
import dev.nereid.engine.EngineOptions.ControlMode;
import dev.nereid.engine.LoadParameters;
import dev.nereid.telemetry.Metrics;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.locks.LockSupport;

/**
 * A process that loads and unloads a model again and again and prints the memory it has resident:
 * after each tenth of the cycles, in KiB, most carefully after the third and the last, which are
 * compared. Arguments: repository, model, cycles.
 */
final class ModelCycles {
  private static final int REPORTS = 10;
  private static final int COMPARED = 3;
  private static final Duration CAREFULLY = Duration.ofSeconds(1);
  private static final Duration ROUGHLY = Duration.ofMillis(50);

  private ModelCycles() {}

  /** Runs the cycles. */
  public static void main(String[] arguments) throws IOException {
    String model = arguments[1];
    int cycles = Integer.parseInt(arguments[2]);
    Control control = Control.of(ControlMode.EXPLICIT);
    try (Engine engine =
        Engine.open(EngineOptions.of(Path.of(arguments[0])).with(control), new Metrics())) {
      engine.started().join();
      for (int i = 1; i <= cycles; i++) {
        engine.load(model, LoadParameters.NONE);
        engine.unload(model, true);
        if (i % (cycles / REPORTS) == 0) {
          int report = i / (cycles / REPORTS);
          boolean compared = report == COMPARED || report == REPORTS;
          System.out.println("resident " + settled(compared ? CAREFULLY : ROUGHLY));
        }
      }
    }
  }

  /** What is unloaded is freed a moment later, and compilers come and go: the least of a while. */
  private static long settled(Duration patience) throws IOException {
    long least = Long.MAX_VALUE;
    long end = System.nanoTime() + patience.toNanos();
    while (System.nanoTime() < end) {
      LockSupport.parkNanos(Duration.ofMillis(50).toNanos());
      least = Math.min(least, residentKib());
    }
    return least;
  }

  private static long residentKib() throws IOException {
    for (String line : Files.readAllLines(Path.of("/proc/self/status"))) {
      if (line.startsWith("VmRSS:")) {
        return Long.parseLong(line.replaceAll("\\D", ""));
      }
    }
    throw new IOException("/proc/self/status: no VmRSS");
  }
}
