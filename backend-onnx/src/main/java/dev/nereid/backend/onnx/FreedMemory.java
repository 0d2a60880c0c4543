package dev.nereid.backend.onnx;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.invoke.MethodHandle;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/**
 * Gives memory that models have freed back to the operating system.
 *
 * <p>The runtime frees a model's weights when its session is closed, but glibc keeps freed memory
 * for later, in each thread's arena and wherever something small was left above it: after an unload
 * the process is as large as before, by tens of megabytes or by whole models, as chance has it.
 * {@code malloc_trim} hands back the pages that are wholly free. It locks one arena after another
 * while it looks through them, some milliseconds in all, so that one call serves all the unloads of
 * a moment. Other C libraries keep less and have no such function; nothing is done there.
 *
 * <p>Thread-safe.
 */
final class FreedMemory {
  private static final Duration MOMENT = Duration.ofMillis(100);
  private static final @Nullable MethodHandle TRIM = trim();
  private static final AtomicBoolean DUE = new AtomicBoolean();

  private FreedMemory() {}

  /** Soon, on a thread of its own. */
  static void giveBackSoon() {
    if (TRIM != null && DUE.compareAndSet(false, true)) {
      Thread.ofPlatform().daemon().name("nereid-freed-memory").start(() -> giveBack(TRIM));
    }
  }

  private static void giveBack(MethodHandle trim) {
    LockSupport.parkNanos(MOMENT.toNanos());
    DUE.set(false);
    try {
      var _ = (int) trim.invokeExact(0L); // keep nothing spare at the top
    } catch (Throwable e) {
      throw new AssertionError("malloc_trim: failed (expected: it declares no failure)", e);
    }
  }

  @SuppressWarnings("restricted") // a function of the C library
  private static @Nullable MethodHandle trim() {
    Linker linker = Linker.nativeLinker();
    return linker
        .defaultLookup()
        .find("malloc_trim")
        .map(
            function -> linker.downcallHandle(function, FunctionDescriptor.of(JAVA_INT, JAVA_LONG)))
        .orElse(null);
  }
}
