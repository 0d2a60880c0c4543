package dev.nereid.backend.onnx;

import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.List;

/**
 * The inputs, or the outputs, of one run: an array of names and one of values, as C wants them.
 * Owns the values until {@link #release}. Reused from run to run; confined to one thread.
 */
final class NativeValues {
  private final long[] texts;
  private final MemorySegment names;
  private final MemorySegment values;
  private int count;

  NativeValues(Arena arena, List<String> all) {
    texts = all.stream().mapToLong(name -> arena.allocateFrom(name).address()).toArray();
    names = arena.allocate(JAVA_LONG, Math.max(1, texts.length));
    values = arena.allocate(JAVA_LONG, Math.max(1, texts.length));
  }

  /** Adds a value under the name of that number; 0 for one that the run makes. */
  void add(int name, long value) {
    names.setAtIndex(JAVA_LONG, count, texts[name]);
    values.setAtIndex(JAVA_LONG, count, value);
    count++;
  }

  /** The value at a place, counted as they were added. */
  long get(int place) {
    return values.getAtIndex(JAVA_LONG, place);
  }

  /** Releases every value and forgets them. */
  void release() {
    for (int i = 0; i < count; i++) {
      long value = get(i);
      if (value != 0) {
        OrtApi.releaseValue(value);
      }
    }
    count = 0;
  }

  long names() {
    return names.address();
  }

  long values() {
    return values.address();
  }

  long count() {
    return count;
  }
}
