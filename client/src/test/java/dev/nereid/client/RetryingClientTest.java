package dev.nereid.client;

import static dev.nereid.client.HttpInferenceClientTest.failureOf;
import static org.assertj.core.api.Assertions.assertThat;

import dev.nereid.client.PlainHttpServer.Response;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.IntFunction;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(30)
final class RetryingClientTest {
  private static final UpstreamOptions.Retry QUICK =
      new UpstreamOptions.Retry(4, Duration.ofMillis(1), 100, 0.2, Duration.ZERO);
  private static final Response GOOD =
      Response.of(200, "{\"model_name\":\"m\",\"model_version\":\"1\",\"outputs\":[]}");
  private static final Response FULL = Response.of(503, "{\"error\":\"too much\"}");
  private static final InferCall CALL = InferCall.of("m");

  private static EventLoops loops;

  private final AtomicInteger requests = new AtomicInteger();

  @BeforeAll
  static void start() {
    loops = EventLoops.of(1);
  }

  @AfterAll
  static void stop() {
    loops.close();
  }

  /** What is done with a client of a server that answers its n-th request so, from 1 on. */
  private interface Trial {
    void of(RetryingClient client);
  }

  private void trial(UpstreamOptions.Retry retry, IntFunction<Response> answers, Trial trial) {
    try (var server = new PlainHttpServer(_ -> answers.apply(requests.incrementAndGet()));
        var client =
            new RetryingClient(
                new HttpInferenceClient(HttpOptions.of(server.endpoint()), loops), retry, loops)) {
      trial.of(client);
    }
  }

  @Test
  void aRefusalForWantOfRoomIsTriedAgain() {
    trial(
        QUICK,
        number -> number < 4 ? FULL : GOOD,
        client -> {
          assertThat(client.infer(CALL).join().version()).isEqualTo("1");
          assertThat(requests).hasValue(4);
        });
  }

  @Test
  void attemptsComeToAnEnd() {
    trial(
        QUICK,
        _ -> FULL,
        client -> {
          assertThat(failureOf(client.infer(CALL)).message()).isEqualTo("too much");
          assertThat(requests).hasValue(4);
        });
  }

  @Test
  void whatMayHaveRunIsNotRunAgain() {
    for (Response outcome :
        List.of(Response.of(500, "{}"), Response.of(400, "{}"), Response.of(0, ""))) {
      requests.set(0);
      trial(
          QUICK,
          _ -> outcome,
          client -> {
            assertThat(failureOf(client.infer(CALL)).kind())
                .isIn(CallFailure.Kind.SERVER, CallFailure.Kind.LOST);
            assertThat(requests).hasValue(1);
          });
    }
  }

  @Test
  void retriesAreASmallShareOfAllCalls() {
    trial(
        new UpstreamOptions.Retry(4, Duration.ZERO, 10, 0.1, Duration.ZERO),
        _ -> FULL,
        client -> {
          List<CompletableFuture<InferResult>> pending =
              IntStream.range(0, 200).mapToObj(_ -> client.infer(CALL)).toList();
          pending.forEach(each -> assertThat(failureOf(each).code()).isEqualTo("503"));
          assertThat(requests.get()).isBetween(200 + 10, 200 + 10 + 20);
          assertThat(client.refusedRetries()).isPositive();
        });
  }

  @Test
  void theTimeoutIsThatOfAllAttemptsTogether() {
    var slowly = new UpstreamOptions.Retry(9, Duration.ofSeconds(60), 9, 1, Duration.ZERO);
    trial(
        slowly,
        _ -> FULL,
        client -> {
          InferCall hasty = CALL.withTimeout(Duration.ofSeconds(5));
          assertThat(failureOf(client.infer(hasty)).code()).as("at once").isEqualTo("503");
          assertThat(requests).hasValue(1);
        });
  }

  @Test
  void whatIsWithdrawnWhileItWaitsIsNotSent() {
    var slowly = new UpstreamOptions.Retry(9, Duration.ofMillis(500), 9, 1, Duration.ZERO);
    trial(
        slowly,
        _ -> FULL,
        client -> {
          CompletableFuture<InferResult> pending = client.infer(CALL);
          while (requests.get() == 0) {
            Thread.onSpinWait();
          }
          assertThat(pending.cancel(true)).isTrue();
          assertThat(failureOf(client.infer(CALL.withTimeout(Duration.ofMillis(900)))).code())
              .isIn("503", "deadline");
          assertThat(requests.get()).as("none of them the first call's").isLessThanOrEqualTo(3);
        });
  }

  @Test
  void aServerThatStaysAwayIsSaidSo() {
    int port;
    try (var gone = new PlainHttpServer(_ -> GOOD)) {
      port = gone.endpoint().port();
    }
    try (var client =
        new RetryingClient(
            new HttpInferenceClient(HttpOptions.of(new Endpoint("127.0.0.1", port)), loops),
            QUICK,
            loops)) {
      assertThat(failureOf(client.infer(CALL)).kind()).isEqualTo(CallFailure.Kind.CONNECT);
    }
  }
}
