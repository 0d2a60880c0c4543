package dev.nereid.backend.onnx;

import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SegmentAllocator;
import java.lang.invoke.MethodHandle;

/** What {@code malloc} has given out and not got back: Java's heap does not blur it. */
@SuppressWarnings("restricted") // asks C
final class NativeHeap {
  private static final int MAPPED = 4;
  private static final int IN_USE = 7;
  private static final MemoryLayout REPORT = MemoryLayout.sequenceLayout(10, JAVA_LONG);

  private NativeHeap() {}

  /** Whether the C library can tell; glibc can. */
  static boolean isKnown() {
    return Linker.nativeLinker().defaultLookup().find("mallinfo2").isPresent();
  }

  static long usedKib() {
    Linker linker = Linker.nativeLinker();
    MethodHandle report =
        linker.downcallHandle(
            linker.defaultLookup().findOrThrow("mallinfo2"),
            FunctionDescriptor.of(MemoryLayout.structLayout(REPORT)));
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment info = (MemorySegment) report.invokeExact((SegmentAllocator) arena);
      return (info.getAtIndex(JAVA_LONG, MAPPED) + info.getAtIndex(JAVA_LONG, IN_USE)) >> 10;
    } catch (Throwable e) {
      throw new AssertionError("mallinfo2: failed", e);
    }
  }
}
