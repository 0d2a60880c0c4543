package dev.nereid.http;

import dev.nereid.core.TraceSpan;
import dev.nereid.core.Tracer;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.BiConsumer;
import org.jspecify.annotations.Nullable;

/** Keeps every span, whatever their parents. */
final class KeptSpans implements Tracer {
  final List<Kept> begun = new CopyOnWriteArrayList<>();

  @Override
  public TraceSpan begin(
      String name, @Nullable String traceparent, List<String> tracestate, long startNanos) {
    Kept span = new Kept(name);
    span.told.put("parent", String.valueOf(traceparent));
    span.told.put("state", String.join(",", tracestate));
    begun.add(span);
    return span;
  }

  /** One span, and those right below it. */
  static final class Kept implements TraceSpan {
    final Map<String, String> told = new ConcurrentHashMap<>();
    final List<Kept> children = new CopyOnWriteArrayList<>();
    volatile String name;
    volatile String failure = "";
    volatile boolean ended;

    Kept(String name) {
      this.name = name;
    }

    @Override
    public String traceId() {
      return "f".repeat(32);
    }

    @Override
    public boolean isRecorded() {
      return true;
    }

    @Override
    public void propagate(BiConsumer<String, String> headers) {}

    @Override
    public TraceSpan child(String childName, long startNanos) {
      Kept child = new Kept(childName);
      children.add(child);
      return child;
    }

    @Override
    public TraceSpan child(String childName) {
      return child(childName, 0);
    }

    @Override
    public TraceSpan call(String childName) {
      return child(childName, 0);
    }

    @Override
    public TraceSpan unrecorded() {
      return this;
    }

    @Override
    public void name(String other) {
      name = other;
    }

    @Override
    public void tell(String key, String value) {
      told.put(key, value);
    }

    @Override
    public void tell(String key, long value) {
      told.put(key, Long.toString(value));
    }

    @Override
    public void fail(String type, String message) {
      if (failure.isEmpty()) {
        failure = type + ": " + message;
      }
    }

    @Override
    public void end(long nanos) {
      ended = true;
    }

    @Override
    public void end() {
      ended = true;
    }
  }
}
