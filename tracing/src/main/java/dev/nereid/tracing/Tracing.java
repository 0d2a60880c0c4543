package dev.nereid.tracing;

import dev.nereid.core.Ticker;
import dev.nereid.core.TraceSpan;
import dev.nereid.core.Tracer;
import dev.nereid.telemetry.Metrics;
import io.opentelemetry.api.common.Attributes;
import io.opentelemetry.api.common.AttributesBuilder;
import io.opentelemetry.api.metrics.MeterProvider;
import io.opentelemetry.api.trace.Span;
import io.opentelemetry.api.trace.SpanKind;
import io.opentelemetry.api.trace.propagation.W3CTraceContextPropagator;
import io.opentelemetry.context.Context;
import io.opentelemetry.context.propagation.TextMapGetter;
import io.opentelemetry.exporter.otlp.http.trace.OtlpHttpSpanExporter;
import io.opentelemetry.exporter.otlp.http.trace.OtlpHttpSpanExporterBuilder;
import io.opentelemetry.sdk.resources.Resource;
import io.opentelemetry.sdk.trace.SdkTracerProvider;
import io.opentelemetry.sdk.trace.SpanLimits;
import io.opentelemetry.sdk.trace.samplers.Sampler;
import java.time.Instant;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * Begins spans, and sends those of sampled requests to a collector.
 *
 * <p>A request that comes with a trace is sampled if that is; of the others, a share is.
 * Thread-safe. {@link #begin} and what it gives never block; {@link #close} sends what waits, for
 * some seconds.
 */
public final class Tracing implements Tracer, AutoCloseable {
  /** Characters of one text kept with a span, at most. */
  private static final int TEXT_LENGTH = 1024;

  private final SdkTracerProvider provider;
  private final io.opentelemetry.api.trace.Tracer tracer;
  private final Ticker ticker;

  private Tracing(SdkTracerProvider provider, String version, Ticker ticker) {
    this.provider = provider;
    this.ticker = ticker;
    tracer = provider.tracerBuilder("dev.nereid").setInstrumentationVersion(version).build();
  }

  /**
   * Begins to send. Nobody is asked whether the collector is there.
   *
   * @param version of the program
   */
  public static Tracing open(
      TracingOptions options, String version, Metrics metrics, Ticker ticker) {
    SpanQueue queue = new SpanQueue(options, exporter(options), metrics);
    SdkTracerProvider provider =
        SdkTracerProvider.builder()
            .setResource(resource(options, version))
            .setSampler(Sampler.parentBased(Sampler.traceIdRatioBased(options.ratio())))
            .setSpanLimits(SpanLimits.builder().setMaxAttributeValueLength(TEXT_LENGTH).build())
            .addSpanProcessor(queue.start())
            .build();
    return new Tracing(provider, version, ticker);
  }

  private static OtlpHttpSpanExporter exporter(TracingOptions options) {
    OtlpHttpSpanExporterBuilder builder =
        OtlpHttpSpanExporter.builder()
            .setEndpoint(options.endpoint().toString())
            .setTimeout(options.queue().timeout())
            .setCompression("gzip")
            .setMeterProvider(MeterProvider.noop());
    options.headers().forEach(builder::addHeader);
    return builder.build();
  }

  private static Resource resource(TracingOptions options, String version) {
    AttributesBuilder told = Attributes.builder();
    told.put("service.version", version);
    told.put("process.pid", ProcessHandle.current().pid());
    options.resource().forEach(told::put);
    told.put("service.name", options.service());
    return Resource.getDefault().merge(Resource.create(told.build()));
  }

  /** The headers that tell which trace a request belongs to. */
  private record Parent(String traceparent, List<String> tracestate) {
    static final TextMapGetter<Parent> GETTER =
        new TextMapGetter<>() {
          @Override
          public Iterable<String> keys(Parent carrier) {
            return List.of("traceparent", "tracestate");
          }

          @Override
          public @Nullable String get(@Nullable Parent carrier, String key) {
            if (carrier == null) {
              return null;
            }
            return switch (key) {
              case "traceparent" -> carrier.traceparent;
              case "tracestate" ->
                  carrier.tracestate.isEmpty() ? null : String.join(",", carrier.tracestate);
              default -> null;
            };
          }
        };
  }

  @Override
  public TraceSpan begin(
      String name, @Nullable String traceparent, List<String> tracestate, long startNanos) {
    Context parent =
        traceparent == null
            ? Context.root()
            : W3CTraceContextPropagator.getInstance()
                .extract(Context.root(), new Parent(traceparent, tracestate), Parent.GETTER);
    long epochNanos = epochNanos() - ticker.nanos();
    Span span =
        tracer
            .spanBuilder(name)
            .setParent(parent)
            .setSpanKind(SpanKind.SERVER)
            .setStartTimestamp(startNanos + epochNanos, TimeUnit.NANOSECONDS)
            .startSpan();
    return new OpenSpan(this, span, epochNanos);
  }

  private static long epochNanos() {
    Instant now = Instant.now();
    return TimeUnit.SECONDS.toNanos(now.getEpochSecond()) + now.getNano();
  }

  io.opentelemetry.api.trace.Tracer tracer() {
    return tracer;
  }

  Ticker ticker() {
    return ticker;
  }

  @Override
  public void close() {
    provider.close();
  }
}
