package dev.nereid.gateway;

import dev.nereid.core.Lease;
import dev.nereid.core.TraceSpan;
import dev.nereid.http.HttpExchange;
import dev.nereid.telemetry.Counter;
import dev.nereid.telemetry.Meter;
import dev.nereid.telemetry.Metrics;
import io.netty.buffer.ByteBuf;
import java.io.IOException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.Semaphore;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import tools.jackson.core.JsonGenerator;

/** Writes a share of what clients send, with the answers, to a folder. Thread-safe. */
final class PayloadSamples implements AutoCloseable {
  /*
   * Ownership. A sample holds shares of its pictures, and of its answer, until it is written or
   * dropped; either happens exactly once.
   * Backpressure. HELD samples are under way at a time, from the arrival of a request to the disk.
   * Of requests beyond that none is taken, and that is counted; no request ever waits.
   * Shutdown. What waits is written, for CLOSE at most.
   */
  private static final Logger LOG = LoggerFactory.getLogger(PayloadSamples.class);
  private static final int HELD = 16;
  private static final Duration CLOSE = Duration.ofSeconds(5);

  private final double rate;
  private final SampleFolder folder;
  private final Semaphore permits = new Semaphore(HELD);
  private final ExecutorService writer =
      Executors.newSingleThreadExecutor(
          Thread.ofPlatform().daemon().name("nereid-payload-samples").factory());
  private final Counter written;
  private final Counter busy;
  private final Counter failed;
  private boolean broken; // confined: writer

  private PayloadSamples(double rate, SampleFolder folder, Metrics metrics) {
    this.rate = rate;
    this.folder = folder;
    written = metrics.counter(Meter.SAMPLES, "written");
    busy = metrics.counter(Meter.SAMPLES, "busy");
    failed = metrics.counter(Meter.SAMPLES, "failed");
  }

  /**
   * Samples into a folder, in which there may be some already.
   *
   * @throws dev.nereid.core.FaultException when it cannot be made or read
   */
  static PayloadSamples open(PayloadSampleOptions options, Metrics metrics) {
    Counter removed = metrics.counter(Meter.SAMPLES, "removed");
    SampleFolder folder = SampleFolder.open(options.directory(), options.maxBytes(), removed);
    LOG.info(
        "Of the requests to the gateway, {} are written to {} with their pictures",
        options.rate(),
        options.directory());
    return new PayloadSamples(options.rate(), folder, metrics);
  }

  /** Takes a request's pictures down, if it is one of the share; else null. */
  @Nullable Sample take(HttpExchange exchange, List<? extends Item> items) {
    return take(items, () -> about(exchange));
  }

  private static SampleFolder.About about(HttpExchange exchange) {
    TraceSpan span = exchange.span();
    return new SampleFolder.About(
        Instant.now(), exchange.path(), exchange.requestId(), span == null ? "" : span.traceId());
  }

  @Nullable Sample take(List<? extends Item> items, Supplier<SampleFolder.About> about) {
    if (ThreadLocalRandom.current().nextDouble() >= rate) {
      return null;
    }
    if (!permits.tryAcquire()) {
      busy.increment();
      return null;
    }
    List<Item.Picture> pictures = new ArrayList<>(items.size());
    for (Item item : items) {
      if (item
          instanceof Item.Picture(var index, var name, var lease, var at, var size, var head)) {
        pictures.add(new Item.Picture(index, name, lease.share(), at, size, head));
      }
    }
    return new Sample(about.get(), pictures);
  }

  /** One request, from its arrival to the disk. Its answer comes from any thread, once. */
  final class Sample {
    private final SampleFolder.About about;
    private final List<Item.Picture> pictures;

    private Sample(SampleFolder.About about, List<Item.Picture> pictures) {
      this.about = about;
      this.pictures = pictures;
    }

    /** It was answered: writes it. Owns the answer, which is JSON, from the call on. */
    void answered(int status, ByteBuf answer) {
      try {
        writer.execute(
            () -> {
              try {
                write(this, status, answer);
              } finally {
                answer.release();
                drop();
              }
            });
      } catch (RejectedExecutionException _) {
        answer.release();
        drop();
      }
    }

    /** It was answered with an object that has this content. */
    void answered(int status, Consumer<JsonGenerator> content) {
      ByteBuf answer;
      try {
        answer = JsonReply.object(content);
      } catch (RuntimeException e) {
        LOG.error("a sample's answer cannot be written", e);
        drop();
        return;
      }
      answered(status, answer);
    }

    private void drop() {
      pictures.stream().map(Item.Picture::lease).forEach(Lease::close);
      permits.release();
    }
  }

  private void write(Sample sample, int status, ByteBuf answer) {
    try {
      folder.write(sample.about, sample.pictures, status, answer);
      written.increment();
      if (broken) {
        broken = false;
        LOG.info("payload samples: {} can be written again", folder);
      }
    } catch (IOException | RuntimeException e) {
      failed.increment();
      if (!broken) {
        broken = true;
        LOG.error("payload samples: {} cannot be written, they are lost: {}", folder, e.toString());
      }
    }
  }

  @Override
  public void close() {
    writer.shutdown();
    try {
      if (!writer.awaitTermination(CLOSE.toMillis(), TimeUnit.MILLISECONDS)) {
        LOG.warn("payload samples: not all could be written in time");
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
