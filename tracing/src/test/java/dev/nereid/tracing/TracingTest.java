package dev.nereid.tracing;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatNoException;

import dev.nereid.core.FakeTicker;
import dev.nereid.core.TraceSpan;
import dev.nereid.telemetry.Meter;
import dev.nereid.telemetry.Metrics;
import java.net.URI;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
final class TracingTest {
  private static final String TRACE = "0af7651916cd43dd8448eb211c80319c";
  private static final String PARENT = "b7ad6b7169203331";
  private static final String SAMPLED = "00-" + TRACE + "-" + PARENT + "-01";
  private static final String NOT_SAMPLED = "00-" + TRACE + "-" + PARENT + "-00";
  private static final TracingOptions.Queue QUICK =
      new TracingOptions.Queue(64, 16, Duration.ofMillis(20), Duration.ofSeconds(5));

  private final FakeTicker ticker = new FakeTicker();
  private final Metrics metrics = new Metrics();
  private Collector collector;

  @BeforeEach
  void listen() throws Exception {
    collector = new Collector();
  }

  @AfterEach
  void stop() {
    collector.close();
  }

  private TracingOptions options(double ratio, TracingOptions.Queue queue) {
    return new TracingOptions(
        collector.endpoint(),
        Map.of("x-key", "secret"),
        "sea",
        Map.of("deployment.environment.name", "lab"),
        ratio,
        queue);
  }

  private Tracing open(double ratio) {
    return Tracing.open(options(ratio, QUICK), "1.2.3", metrics, ticker);
  }

  private TraceSpan begin(Tracing tracing, @Nullable String traceparent, String... tracestate) {
    return tracing.begin("POST", traceparent, List.of(tracestate), ticker.nanos());
  }

  private static Map<String, String> headers(TraceSpan span) {
    Map<String, String> headers = new HashMap<>();
    span.propagate(headers::put);
    return headers;
  }

  private long count(String outcome) {
    return metrics.counter(Meter.TRACE_SPANS, outcome).total();
  }

  private void await(String outcome, long expected) {
    long end = System.nanoTime() + Duration.ofSeconds(20).toNanos();
    while (count(outcome) < expected && System.nanoTime() < end) {
      LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(2));
    }
    assertThat(count(outcome)).as(outcome).isEqualTo(expected);
  }

  @Test
  void spansComeWithTheirPartsTextsAndTimes() {
    try (Tracing tracing = open(1)) {
      long start = ticker.nanos();
      TraceSpan request = tracing.begin("POST", null, List.of(), start);
      TraceSpan part = request.child("queue", start + 1_000);
      part.end(start + 3_000);
      request.name("POST /detect");
      request.tell("http.route", "/detect");
      request.tell("http.response.status_code", 503);
      request.fail("not_ready", "loading");
      request.fail("503", "");
      ticker.advance(Duration.ofNanos(5_000));
      request.end();
    }
    List<Collector.Received> spans = collector.spans();
    assertThat(spans).extracting(Collector.Received::name).containsExactly("queue", "POST /detect");
    Collector.Received part = spans.getFirst();
    Collector.Received request = spans.getLast();
    assertThat(part.parentId()).isEqualTo(request.id());
    assertThat(part.traceId()).isEqualTo(request.traceId()).hasSize(32);
    assertThat(part.nanos()).isEqualTo(2_000);
    assertThat(request.nanos()).isEqualTo(5_000);
    assertThat(part.isWithin(request)).isTrue();
    assertThat(request.parentId()).isEmpty();
    assertThat(request.told("http.route")).isEqualTo("/detect");
    assertThat(request.told("http.response.status_code")).isEqualTo("503");
    assertThat(request.isError()).isTrue();
    assertThat(request.told("error.type")).isEqualTo("not_ready");
    assertThat(request.span().getStatus().getMessage()).isEqualTo("loading");
    assertThat(request.resource())
        .containsEntry("service.name", "sea")
        .containsEntry("service.version", "1.2.3")
        .containsEntry("deployment.environment.name", "lab");
    assertThat(collector.headers).containsEntry("X-key", "secret");
    assertThat(count("sent")).isEqualTo(2);
  }

  @Test
  void aTraceThatIsSampledGoesOnWhateverTheShare() {
    try (Tracing tracing = open(0)) {
      TraceSpan request = begin(tracing, SAMPLED, "a=1", "b=2");
      TraceSpan call = request.call("ModelInfer");
      assertThat(headers(call))
          .containsEntry("tracestate", "a=1,b=2")
          .hasEntrySatisfying(
              "traceparent", sent -> assertThat(sent).startsWith("00-" + TRACE).endsWith("-01"));
      call.end();
      request.end();
    }
    List<Collector.Received> spans = collector.spans();
    assertThat(spans).hasSize(2).allMatch(span -> span.traceId().equals(TRACE));
    assertThat(spans.getFirst().parentId()).isEqualTo(spans.getLast().id());
    assertThat(spans.getLast().parentId()).isEqualTo(PARENT);
  }

  @Test
  void aTraceThatIsNotSampledIsCarriedOnAndNotKept() {
    try (Tracing tracing = open(1)) {
      TraceSpan request = begin(tracing, NOT_SAMPLED);
      assertThat(request.isRecorded()).isFalse();
      assertThat(request.traceId()).isEqualTo(TRACE);
      assertThat(headers(request.call("ModelInfer")).get("traceparent"))
          .startsWith("00-" + TRACE)
          .endsWith("-00");
      request.tell("a", "b");
      request.fail("a", "b");
      request.child("queue").end();
      request.end();
    }
    assertThat(collector.spans()).isEmpty();
    assertThat(count("sent")).isZero();
  }

  @Test
  void belowAQuietPlaceNothingIsKept() {
    try (Tracing tracing = open(1)) {
      TraceSpan request = begin(tracing, SAMPLED);
      TraceSpan quiet = request.unrecorded();
      quiet.child("queue").end();
      assertThat(headers(quiet).get("traceparent")).startsWith("00-" + TRACE).endsWith("-00");
      request.end();
    }
    assertThat(collector.spans()).hasSize(1);
  }

  @Test
  void headersThatMakeNoSenseBeginATraceOfTheirOwn() {
    try (Tracing tracing = open(1)) {
      for (String sent : List.of("", "00", "zz-" + TRACE, SAMPLED.replace(TRACE, "0".repeat(32)))) {
        TraceSpan request = begin(tracing, sent);
        assertThat(request.traceId()).isNotEqualTo(TRACE).hasSize(32);
        request.end();
      }
    }
    assertThat(collector.spans()).hasSize(4).allMatch(span -> span.parentId().isEmpty());
  }

  @Test
  void theShareOfNewTracesIsKept() {
    var queue = new TracingOptions.Queue(4096, 512, Duration.ofSeconds(1), Duration.ofSeconds(5));
    try (Tracing tracing = Tracing.open(options(0.25, queue), "1", metrics, ticker)) {
      for (int i = 0; i < 4000; i++) {
        begin(tracing, null).end();
      }
    }
    assertThat(collector.spans()).hasSizeBetween(850, 1150);
  }

  @Test
  void spansThatFindNoRoomAreDroppedAndCounted() {
    var small = new TracingOptions.Queue(8, 8, Duration.ofHours(1), Duration.ofSeconds(5));
    SpanQueue queue = new SpanQueue(options(1, small), new NoExporter(), metrics); // not started
    var provider =
        io.opentelemetry.sdk.trace.SdkTracerProvider.builder().addSpanProcessor(queue).build();
    for (int i = 0; i < 20; i++) {
      provider.get("test").spanBuilder("a").startSpan().end();
    }
    assertThat(count("dropped")).isEqualTo(12);
    queue.start();
    provider.close();
    assertThat(count("sent")).isEqualTo(8);
  }

  @Test
  void aCollectorThatRefusesCostsSpansAndNothingElse() {
    collector.status = 400;
    try (Tracing tracing = open(1)) {
      begin(tracing, null).end();
      await("failed", 1);
      collector.status = 200;
      begin(tracing, null).end();
      await("sent", 1);
    }
    assertThat(collector.spans()).hasSize(1);
  }

  @Test
  void withoutACollectorClosingTakesSeconds() {
    collector.close();
    long start = System.nanoTime();
    try (Tracing tracing = open(1)) {
      begin(tracing, null).end();
    }
    assertThat(Duration.ofNanos(System.nanoTime() - start)).isLessThan(Duration.ofSeconds(9));
  }

  @Test
  void optionsRefuseWhatCannotBe() {
    URI there = collector.endpoint();
    assertThatNoException().isThrownBy(() -> options(0.5, TracingOptions.Queue.DEFAULT));
    assertThatIllegalArgumentException()
        .isThrownBy(() -> options(1.5, QUICK))
        .withMessage("trace sample rate: 1.5 (expected: 0 to 1)");
    assertThatIllegalArgumentException()
        .isThrownBy(
            () ->
                new TracingOptions(
                    URI.create("http://me:secret@host:1"), Map.of(), "a", Map.of(), 1, QUICK))
        .withMessageNotContaining("secret");
    assertThat(new TracingOptions(there, Map.of("k", "secret"), "a", Map.of(), 1, QUICK).toString())
        .doesNotContain("secret");
  }
}
