package dev.nereid.backend.onnx;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;

import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtException;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;
import java.util.Optional;

/**
 * Keeps ONNX Runtime from reporting to its maker. Its official builds do so unless told not to:
 * they write a device identifier to the user's cache directory, send events over HTTPS, and keep
 * some three kilobytes for each failed run until they are sent. A server does not call home;
 * whoever wants the reports sets {@code ORT_DISABLE_TELEMETRY=0}.
 */
@SuppressWarnings("restricted") // native access is what it is for
final class Telemetry {
  private static final String VARIABLE = "ORT_DISABLE_TELEMETRY";

  private Telemetry() {}

  /**
   * Sets the variable that the runtime reads when its library is loaded, and only then. Java's own
   * view of the environment cannot be changed, so that of C is.
   */
  static void forbidBeforeLoading() {
    Linker linker = Linker.nativeLinker();
    Optional<MemorySegment> setenv = linker.defaultLookup().find("setenv");
    if (setenv.isEmpty()) {
      return;
    }
    MethodHandle set =
        linker.downcallHandle(
            setenv.get(), FunctionDescriptor.of(JAVA_INT, ADDRESS, ADDRESS, JAVA_INT));
    try (Arena arena = Arena.ofConfined()) {
      // The last argument: what somebody set already stays.
      int failed = (int) set.invokeExact(arena.allocateFrom(VARIABLE), arena.allocateFrom("1"), 0);
      if (failed != 0) {
        throw new IllegalStateException(VARIABLE + ": cannot be set (expected: room for it)");
      }
    } catch (Throwable e) {
      throw new ExceptionInInitializerError(e);
    }
  }

  /** Where there is no such variable, on Windows, the runtime is told once it is loaded. */
  static OrtEnvironment forbid(OrtEnvironment environment) {
    if (isWanted()) {
      return environment;
    }
    try {
      environment.setTelemetry(false);
      return environment;
    } catch (OrtException e) {
      throw new ExceptionInInitializerError(e);
    }
  }

  /** Whether somebody set the variable to 0. Asked of C, as only {@code app} asks Java. */
  private static boolean isWanted() {
    Linker linker = Linker.nativeLinker();
    Optional<MemorySegment> getenv = linker.defaultLookup().find("getenv");
    if (getenv.isEmpty()) {
      return false;
    }
    MethodHandle get = linker.downcallHandle(getenv.get(), FunctionDescriptor.of(ADDRESS, ADDRESS));
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment value = (MemorySegment) get.invokeExact(arena.allocateFrom(VARIABLE));
      return value.address() != 0 && value.reinterpret(Long.MAX_VALUE).getString(0).equals("0");
    } catch (Throwable e) {
      throw new ExceptionInInitializerError(e);
    }
  }
}
