package dev.nereid.http;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.net.ConnectException;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

final class DrainTest {
  @Test
  void finishesWhatHasBegunAndEndsTheRest() throws Exception {
    var exchanges = new LinkedBlockingQueue<HttpExchange>();
    try (var running = RunningListener.of(exchanges::add);
        var idle = running.connect();
        var busy = running.connect();
        var arriving = running.connect()) {
      busy.get("/busy");
      HttpExchange first = exchanges.take();
      arriving.send("POST /half HTTP/1.1\r\nhost: a\r\ncontent-length: 4\r\n\r\nab");
      RunningListener.await(() -> running.listener.inFlightRequests() == 1);
      var drained =
          CompletableFuture.supplyAsync(() -> running.listener.drain(Duration.ofSeconds(20)));
      assertThat(idle.isEnded()).isTrue();
      int port = running.listener.port();
      assertThatThrownBy(() -> new Wire(port).close()).isInstanceOf(ConnectException.class);
      arriving.send("cd");
      RunningListener.echo(exchanges.take());
      var answer = arriving.receive();
      assertThat(answer.text()).isEqualTo("POST /half abcd");
      assertThat(answer.header("connection")).isEqualTo("close");
      assertThat(drained).isNotDone();
      RunningListener.echo(first);
      assertThat(busy.receive().header("connection")).isEqualTo("close");
      assertThat(drained.get(10, TimeUnit.SECONDS)).isTrue();
    }
  }

  @Test
  void saysWhenTimeWasTooShort() throws Exception {
    var exchanges = new LinkedBlockingQueue<HttpExchange>();
    try (var running = RunningListener.of(exchanges::add);
        var busy = running.connect()) {
      busy.get("/");
      HttpExchange exchange = exchanges.take();
      assertThat(running.listener.drain(Duration.ofMillis(20))).isFalse();
      running.listener.close();
      RunningListener.await(exchange::isCancelled);
      RunningListener.echo(exchange);
    }
  }
}
