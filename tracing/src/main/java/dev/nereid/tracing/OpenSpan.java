package dev.nereid.tracing;

import dev.nereid.core.TraceSpan;
import io.opentelemetry.api.trace.Span;
import io.opentelemetry.api.trace.SpanContext;
import io.opentelemetry.api.trace.SpanKind;
import io.opentelemetry.api.trace.StatusCode;
import io.opentelemetry.api.trace.TraceFlags;
import io.opentelemetry.api.trace.propagation.W3CTraceContextPropagator;
import io.opentelemetry.context.Context;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.BiConsumer;

/**
 * A span of OpenTelemetry's. All spans of a request in this process take the wall clock's time from
 * one look at it, so that a clock that is set meanwhile does not tear them apart.
 */
final class OpenSpan implements TraceSpan {
  private final Tracing tracing;
  private final Span span;
  private final long epochNanos;
  private final boolean recorded;
  private final AtomicBoolean failed = new AtomicBoolean();

  /**
   * A span that has begun.
   *
   * @param epochNanos the Unix time when the ticker was at 0
   */
  OpenSpan(Tracing tracing, Span span, long epochNanos) {
    this.tracing = tracing;
    this.span = span;
    this.epochNanos = epochNanos;
    recorded = span.getSpanContext().isSampled();
  }

  @Override
  public String traceId() {
    return span.getSpanContext().getTraceId();
  }

  @Override
  public boolean isRecorded() {
    return recorded;
  }

  @Override
  public void propagate(BiConsumer<String, String> headers) {
    W3CTraceContextPropagator.getInstance()
        .inject(
            Context.root().with(span), headers, (_, name, value) -> headers.accept(name, value));
  }

  @Override
  public TraceSpan child(String name, long startNanos) {
    return child(name, SpanKind.INTERNAL, startNanos);
  }

  @Override
  public TraceSpan child(String name) {
    return recorded ? child(name, SpanKind.INTERNAL, tracing.ticker().nanos()) : this;
  }

  @Override
  public TraceSpan call(String name) {
    return recorded ? child(name, SpanKind.CLIENT, tracing.ticker().nanos()) : this;
  }

  private TraceSpan child(String name, SpanKind kind, long startNanos) {
    if (!recorded) {
      return this;
    }
    Span child =
        tracing
            .tracer()
            .spanBuilder(name)
            .setParent(Context.root().with(span))
            .setSpanKind(kind)
            .setStartTimestamp(startNanos + epochNanos, TimeUnit.NANOSECONDS)
            .startSpan();
    return new OpenSpan(tracing, child, epochNanos);
  }

  @Override
  public TraceSpan unrecorded() {
    if (!recorded) {
      return this;
    }
    SpanContext here = span.getSpanContext();
    SpanContext quiet =
        SpanContext.create(
            here.getTraceId(), here.getSpanId(), TraceFlags.getDefault(), here.getTraceState());
    return new OpenSpan(tracing, Span.wrap(quiet), epochNanos);
  }

  @Override
  public void name(String name) {
    span.updateName(name);
  }

  @Override
  public void tell(String key, String value) {
    span.setAttribute(key, value);
  }

  @Override
  public void tell(String key, long value) {
    span.setAttribute(key, value);
  }

  @Override
  public void fail(String type, String message) {
    if (recorded && failed.compareAndSet(false, true)) {
      span.setAttribute("error.type", type);
      span.setStatus(StatusCode.ERROR, message);
    }
  }

  @Override
  public void end(long nanos) {
    span.end(nanos + epochNanos, TimeUnit.NANOSECONDS);
  }

  @Override
  public void end() {
    end(tracing.ticker().nanos());
  }
}
