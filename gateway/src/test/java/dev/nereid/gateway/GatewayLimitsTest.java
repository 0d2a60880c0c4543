package dev.nereid.gateway;

import static org.assertj.core.api.Assertions.assertThat;

import dev.nereid.http.ListenerOptions;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.Callable;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.Test;

final class GatewayLimitsTest {
  private static GatewayOptions within(ListenerOptions.Limits limits) {
    GatewayOptions options = RunningGateway.options();
    return options.with(options.listener().within(limits));
  }

  @Test
  void countsABodyWhileItStreams() throws Exception {
    var limits = ListenerOptions.Limits.DEFAULT.withBodyBytes(100_000);
    try (var running = new RunningGateway(within(limits));
        var socket = new Socket(InetAddress.getLoopbackAddress(), running.gateway.port())) {
      var declared = running.post("/detect", "image/jpeg", new byte[100_001]);
      assertThat(declared.status()).isEqualTo(413);
      assertThat(declared.json().get("error").asString()).isEqualTo("body_too_large");
      var out = socket.getOutputStream();
      out.write(
          "POST /detect HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n1fff0\r\n"
              .getBytes(StandardCharsets.US_ASCII));
      out.write(new byte[0x1fff0]);
      out.flush();
      InputStream in = socket.getInputStream();
      assertThat(new String(in.readNBytes(12), StandardCharsets.US_ASCII))
          .isEqualTo("HTTP/1.1 413");
    }
  }

  @Test
  void answers429BeyondTheRequestsInFlight() throws Exception {
    var limits = ListenerOptions.Limits.DEFAULT.withInFlight(2, 1 << 30);
    Set<Integer> statuses = new TreeSet<>();
    boolean retryAfter = true;
    try (var running = new RunningGateway(within(limits));
        var threads = Executors.newVirtualThreadPerTaskExecutor()) {
      byte[] picture = RunningGateway.sample("large.jpg");
      Callable<RunningGateway.Answer> ask = () -> running.post("/detect", "image/jpeg", picture);
      List<Future<RunningGateway.Answer>> answers = new ArrayList<>();
      for (int i = 0; i < 12; i++) {
        answers.add(threads.submit(ask));
      }
      for (var future : answers) {
        var answer = future.get();
        statuses.add(answer.status());
        retryAfter &= answer.status() == 200 || answer.header("retry-after").equals("1");
      }
    }
    assertThat(statuses).containsExactly(200, 429);
    assertThat(retryAfter).isTrue();
  }

  @Test
  void forgetsTheWorkOfClientsThatLeave() throws Exception {
    try (var running = new RunningGateway(RunningGateway.options())) {
      byte[] picture = RunningGateway.sample("large.jpg");
      String head =
          "POST /detect HTTP/1.1\r\nhost: a\r\ncontent-type: image/jpeg\r\ncontent-length: "
              + picture.length
              + "\r\n\r\n";
      for (int i = 0; i < 12; i++) {
        try (var socket = new Socket(InetAddress.getLoopbackAddress(), running.gateway.port())) {
          socket.getOutputStream().write(head.getBytes(StandardCharsets.US_ASCII));
          socket.getOutputStream().write(picture);
          socket.setSoLinger(true, 0); // ends with a reset
        }
      }
      assertThat(running.post("/classify", "image/jpeg", picture).status()).isEqualTo(200);
      long end = System.nanoTime() + Duration.ofSeconds(20).toNanos();
      while (!running.metrics.scrape().contains("api_active_requests 0")) {
        assertThat(System.nanoTime()).as("time to wait").isLessThan(end);
        Thread.onSpinWait();
      }
    }
  }

  @Test
  void answers503OnceTheEngineEnds() throws Exception {
    try (var running = new RunningGateway(RunningGateway.options())) {
      assertThat(running.engine.drain(Duration.ofSeconds(10))).isTrue();
      var answer = running.post("/detect", "image/jpeg", RunningGateway.sample("tiny.jpg"));
      assertThat(answer.status()).isEqualTo(503);
      assertThat(answer.header("retry-after")).isEqualTo("1");
      assertThat(answer.json().get("error").asString()).isEqualTo("not_ready");
      assertThat(running.get("/health").status()).isEqualTo(503);
      assertThat(running.get("/healthz").status()).isEqualTo(200);
    }
  }
}
