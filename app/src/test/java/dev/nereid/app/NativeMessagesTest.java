package dev.nereid.app;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;
import java.util.logging.Handler;
import java.util.logging.Level;
import java.util.logging.LogRecord;
import java.util.logging.Logger;
import org.junit.jupiter.api.Test;

final class NativeMessagesTest {
  /** What C's {@code perror} prints goes to {@code stderr}, like what libpng prints. */
  @SuppressWarnings("restricted")
  private static void print(String text) throws Throwable {
    Linker linker = Linker.nativeLinker();
    try (Arena arena = Arena.ofConfined()) {
      linker
          .downcallHandle(
              linker.defaultLookup().find("perror").orElseThrow(),
              FunctionDescriptor.ofVoid(ValueLayout.ADDRESS))
          .invokeExact(arena.allocateFrom(text));
    }
  }

  @Test
  void whatNativeCodePrintsGoesIntoTheLog() throws Throwable {
    assumeTrue(
        Linker.nativeLinker().defaultLookup().find("gnu_get_libc_version").isPresent(), "glibc");
    List<String> told = new ArrayList<>();
    Handler handler =
        new Handler() {
          @Override
          public void publish(LogRecord line) {
            told.add(line.getMessage());
          }

          @Override
          public void flush() {}

          @Override
          public void close() {}
        };
    Logger logger = Logger.getLogger(NativeMessages.class.getName());
    Level before = logger.getLevel();
    logger.addHandler(handler);
    logger.setLevel(Level.FINE);
    try {
      NativeMessages.intoLog();
      print("libpng warns");
    } finally {
      logger.setLevel(before);
      logger.removeHandler(handler);
    }
    assertThat(told).anyMatch(line -> line.startsWith("libpng warns"));
  }
}
