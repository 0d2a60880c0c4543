package dev.nereid.tracing;

import dev.nereid.telemetry.Counter;
import dev.nereid.telemetry.Meter;
import dev.nereid.telemetry.Metrics;
import io.opentelemetry.context.Context;
import io.opentelemetry.exporter.internal.FailedExportException.HttpExportException;
import io.opentelemetry.sdk.common.CompletableResultCode;
import io.opentelemetry.sdk.trace.ReadWriteSpan;
import io.opentelemetry.sdk.trace.ReadableSpan;
import io.opentelemetry.sdk.trace.SpanProcessor;
import io.opentelemetry.sdk.trace.data.SpanData;
import io.opentelemetry.sdk.trace.export.SpanExporter;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Spans that have ended, on their way to the collector. */
final class SpanQueue implements SpanProcessor {
  /*
   * Ownership. Any thread puts spans in, event loops among them; one thread of the queue's own takes
   * them out, and it alone waits for the collector.
   * Backpressure. A bounded number waits. More are dropped and counted: a collector that is slow or
   * gone costs spans, never time of a request.
   * Shutdown. What waits is sent, for CLOSE at most; nobody waits for the rest.
   */
  private static final Logger LOG = LoggerFactory.getLogger(SpanQueue.class);
  private static final Duration CLOSE = Duration.ofSeconds(3);

  private final TracingOptions.Queue limits;
  private final String target;
  private final SpanExporter exporter;
  private final Counter sent;
  private final Counter dropped;
  private final Counter failed;
  private final Queue<ReadableSpan> spans = new ConcurrentLinkedQueue<>();
  private final AtomicInteger waiting = new AtomicInteger();
  private final Thread sender;
  private volatile boolean closing;
  private boolean broken; // confined: sender

  SpanQueue(TracingOptions options, SpanExporter exporter, Metrics metrics) {
    this.exporter = exporter;
    limits = options.queue();
    target = options.endpoint().toString();
    sent = metrics.counter(Meter.TRACE_SPANS, "sent");
    dropped = metrics.counter(Meter.TRACE_SPANS, "dropped");
    failed = metrics.counter(Meter.TRACE_SPANS, "failed");
    sender = Thread.ofPlatform().daemon().name("nereid-traces").unstarted(this::run);
  }

  /** Begins to send. */
  SpanQueue start() {
    sender.start();
    return this;
  }

  @Override
  public void onStart(Context parent, ReadWriteSpan span) {}

  @Override
  public boolean isStartRequired() {
    return false;
  }

  @Override
  public void onEnd(ReadableSpan span) {
    int now = waiting.incrementAndGet();
    if (now > limits.spans()) {
      waiting.decrementAndGet();
      dropped.increment();
      return;
    }
    spans.add(span);
    if (now == limits.batch()) {
      LockSupport.unpark(sender);
    }
  }

  @Override
  public boolean isEndRequired() {
    return true;
  }

  private void run() {
    boolean last = false;
    while (!last) {
      if (!closing && waiting.get() < limits.batch()) {
        LockSupport.parkNanos(limits.delay().toNanos());
      }
      last = closing;
      sendWaiting();
    }
    exporter.shutdown(); // may wait for the collector, too
  }

  private void sendWaiting() {
    List<SpanData> batch = new ArrayList<>();
    for (ReadableSpan span = spans.poll(); span != null; span = spans.poll()) {
      waiting.decrementAndGet();
      batch.add(span.toSpanData());
      if (batch.size() == limits.batch()) {
        send(batch);
        batch = new ArrayList<>(); // the exporter may still read one that it was late with
      }
    }
    if (!batch.isEmpty()) {
      send(batch);
    }
  }

  private void send(List<SpanData> batch) {
    CompletableResultCode result =
        exporter.export(batch).join(limits.timeout().toMillis(), TimeUnit.MILLISECONDS);
    if (result.isSuccess()) {
      sent.add(batch.size());
      if (broken) {
        broken = false;
        LOG.info("traces: {} takes them again", target);
      }
      return;
    }
    failed.add(batch.size());
    if (!broken) {
      broken = true;
      LOG.warn("traces: {} does not take them, they are lost: {}", target, reason(result));
    }
  }

  private static String reason(CompletableResultCode result) {
    Throwable failure = result.getFailureThrowable();
    // Internal by name, and the only place that has the status, which tells most.
    if (failure instanceof HttpExportException refused && refused.getResponse() != null) {
      return "status " + refused.getResponse().getStatusCode();
    }
    if (failure == null) {
      return "no answer in time";
    }
    return String.valueOf(failure.getCause() == null ? failure : failure.getCause());
  }

  /** Sends what waits, and ends. */
  @Override
  public CompletableResultCode shutdown() {
    closing = true;
    LockSupport.unpark(sender);
    try {
      if (!sender.join(CLOSE)) {
        LOG.warn("traces: {} spans could not be sent in time", waiting.get());
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    return CompletableResultCode.ofSuccess();
  }
}
