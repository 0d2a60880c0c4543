package dev.nereid.app;

import static org.assertj.core.api.Assertions.assertThat;

import dev.nereid.client.TargetState;
import dev.nereid.client.UpstreamStatus;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.Callable;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * One gateway in front of three server processes, under constant load, while one server after the
 * other is mistreated: each mishap is told at {@code /connections}, no request is lost, and the
 * load is spread over all of them again afterwards. How long that takes is measured by {@code
 * benchmarks/upstreams.sh}.
 */
@Timeout(240)
final class UpstreamChaosTest {
  private static final JsonMapper JSON = new JsonMapper();
  private static final int PER_SECOND = 15;
  private static final int BEFORE_AND_AFTER = 15;
  private static final int ROUND = 30;

  private static final List<ServerProcess> SERVERS = new ArrayList<>();
  private static RunningProgram gateway;
  private static HttpClient client;
  private static byte[] picture;

  /** What became of a request. */
  private record Answer(int status, String body) {}

  @BeforeAll
  static void start() throws Exception {
    for (int i = 1; i <= 3; i++) {
      Path models = RunningProgram.HOME.resolve("models");
      SERVERS.add(new ServerProcess("127.0.0." + (10 + i), models, "classify"));
    }
    for (ServerProcess server : SERVERS) {
      server.awaitReady();
    }
    String targets = String.join(",", SERVERS.stream().map(ServerProcess::endpoint).toList());
    gateway =
        RunningProgram.ofDemoModels(
            "--upstream=" + targets,
            "--upstream-health-timeout-ms=2000",
            "--upstream-slow-factor=2");
    client = HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();
    picture = RunningProgram.sample("tiny.jpg");
    for (int i = 0; i < ROUND; i++) {
      assertThat(ask()).extracting(Answer::status).isEqualTo(200);
    }
  }

  @AfterEach
  void mend() throws Exception {
    for (ServerProcess server : SERVERS) {
      if (server.isAlive()) {
        server.signal("CONT");
      } else {
        server.start();
        server.awaitReady();
      }
    }
  }

  @AfterAll
  static void stop() throws Exception {
    if (client != null) {
      client.close();
    }
    if (gateway != null) {
      gateway.close();
    }
    for (ServerProcess server : SERVERS) {
      server.close();
    }
  }

  private static URI path(String path) {
    return URI.create("http://127.0.0.1:" + gateway.server.gatewayPort() + path);
  }

  private static Answer ask() {
    HttpRequest request =
        HttpRequest.newBuilder(path("/classify"))
            .timeout(Duration.ofSeconds(60))
            .header("content-type", "image/jpeg")
            .POST(HttpRequest.BodyPublishers.ofByteArray(picture))
            .build();
    try {
      var answer = client.send(request, HttpResponse.BodyHandlers.ofString());
      return new Answer(answer.statusCode(), answer.body());
    } catch (IOException e) {
      return new Answer(-1, e.toString());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return new Answer(-2, "interrupted");
    }
  }

  /** So many requests a second, whatever becomes of them. */
  private static final class Load implements AutoCloseable {
    private final AtomicInteger sent = new AtomicInteger();
    private final Queue<Answer> answers = new ConcurrentLinkedQueue<>();
    private final Semaphore running = new Semaphore(Integer.MAX_VALUE);
    private final ScheduledExecutorService clock = Executors.newSingleThreadScheduledExecutor();

    Load() {
      long pause = TimeUnit.SECONDS.toNanos(1) / PER_SECOND;
      var _ = clock.scheduleAtFixedRate(this::send, 0, pause, TimeUnit.NANOSECONDS);
    }

    private void send() {
      running.acquireUninterruptibly();
      sent.incrementAndGet();
      Thread.ofVirtual()
          .start(
              () -> {
                answers.add(ask());
                running.release();
              });
    }

    /** Waits until so many more were answered. */
    void awaitMore(int count) throws Exception {
      int before = answers.size();
      until("more answers", () -> answers.size() >= before + count);
    }

    /** Sends no more, and waits for what is on its way. */
    void end() throws InterruptedException {
      clock.shutdown();
      assertThat(clock.awaitTermination(60, TimeUnit.SECONDS)).isTrue();
      assertThat(running.tryAcquire(Integer.MAX_VALUE, 60, TimeUnit.SECONDS))
          .as("every request has an answer")
          .isTrue();
    }

    @Override
    public void close() {
      clock.shutdownNow();
    }
  }

  private static List<UpstreamStatus.Target> targets() {
    return gateway.upstreams().status().targets();
  }

  /** Polls, for a minute at the most. */
  private static void until(String what, Callable<Boolean> holds) throws Exception {
    long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(60);
    while (!holds.call()) {
      assertThat(System.nanoTime()).as("time to wait for: " + what).isLessThan(end);
      LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(5));
    }
  }

  private static String connections(String accept) throws Exception {
    HttpRequest request =
        HttpRequest.newBuilder(path("/connections")).header("accept", accept).build();
    return client.send(request, HttpResponse.BodyHandlers.ofString()).body();
  }

  /** Waits until a server is told to be in that state, and why. */
  private static void isSeen(int server, TargetState state, String reason) throws Exception {
    until(
        "server " + server + " " + state,
        () -> {
          JsonNode told = JSON.readTree(connections("application/json"));
          JsonNode target = told.get("targets").get(server);
          return target.get("state").asString().equals(state.name())
              && target.get("reason").asString().contains(reason);
        });
  }

  private static void isSpreadOver(int... servers) throws Exception {
    until("a round in which each had its share", () -> isShared(servers));
  }

  /** Sends a round of requests one after the other, and compares who answered how many. */
  private static boolean isShared(int... servers) {
    long[] before = targets().stream().mapToLong(each -> each.calls().answered()).toArray();
    for (int i = 0; i < ROUND; i++) {
      assertThat(ask()).extracting(Answer::status).isEqualTo(200);
    }
    long[] after = targets().stream().mapToLong(each -> each.calls().answered()).toArray();
    int share = ROUND / servers.length;
    return IntStream.of(servers).allMatch(i -> Math.abs(after[i] - before[i] - share) <= 1);
  }

  /** Asks before it looks: one that was slow needs a request to show that it no longer is. */
  private static boolean areAllLive() {
    assertThat(ask()).extracting(Answer::status).isEqualTo(200);
    return targets().stream().allMatch(each -> each.state() == TargetState.LIVE);
  }

  /** Runs a misfortune under load; every request is answered well. */
  private static void survives(Misfortune misfortune) throws Exception {
    until("all live", UpstreamChaosTest::areAllLive);
    try (Load load = new Load()) {
      load.awaitMore(BEFORE_AND_AFTER);
      misfortune.happen();
      load.awaitMore(BEFORE_AND_AFTER);
      load.end();
      assertThat(load.answers).hasSize(load.sent.get());
      assertThat(load.answers).filteredOn(each -> each.status != 200).isEmpty();
    }
  }

  private interface Misfortune {
    void happen() throws Exception;
  }

  @Test
  void requestsAreSpreadEvenly() throws Exception {
    isSpreadOver(0, 1, 2);
  }

  @Test
  void aKilledServerIsLeftOut() throws Exception {
    survives(
        () -> {
          SERVERS.get(0).kill();
          isSeen(0, TargetState.UNREACHABLE, "refused");
          assertThat(connections("text/plain")).contains("UNREACHABLE").contains("refused");
        });
    isSpreadOver(1, 2);
  }

  @Test
  void aRestartedServerIsUsedAgain() throws Exception {
    survives(
        () -> {
          SERVERS.get(0).signal("TERM");
          isSeen(0, TargetState.STOPPING, "has withdrawn its readiness");
          until("it ended", () -> !SERVERS.get(0).isAlive());
          isSeen(0, TargetState.UNREACHABLE, "refused");
          SERVERS.get(0).start();
          isSeen(0, TargetState.LIVE, "");
        });
    isSpreadOver(0, 1, 2);
  }

  @Test
  void aFrozenServerIsNotWaitedFor() throws Exception {
    survives(
        () -> {
          SERVERS.get(1).signal("STOP");
          isSeen(1, TargetState.STUCK, "no answer within");
          assertThat(connections("text/plain")).contains("STUCK");
        });
    isSpreadOver(0, 2);
    SERVERS.get(1).signal("CONT");
    isSeen(1, TargetState.LIVE, "");
    isSpreadOver(0, 1, 2);
  }

  @Test
  void aSlowServerIsLeftOut() throws Exception {
    try (Brake brake = new Brake(SERVERS.get(2))) {
      survives(
          () -> {
            brake.pull();
            isSeen(2, TargetState.SLOW, "elsewhere");
            brake.loosen();
            isSeen(2, TargetState.LIVE, "");
          });
    }
    isSpreadOver(0, 1, 2);
  }

  /** Lets a server run for a small share of the time only. */
  private static final class Brake implements AutoCloseable {
    private static final long TURN_MILLIS = 900;
    private static final long STOPPED_MILLIS = 800;

    private final ScheduledExecutorService clock = Executors.newSingleThreadScheduledExecutor();
    private final ServerProcess server;

    Brake(ServerProcess server) {
      this.server = server;
    }

    void pull() {
      every("STOP", 0);
      every("CONT", STOPPED_MILLIS);
    }

    private void every(String signal, long afterMillis) {
      Runnable task =
          () -> {
            try {
              server.signal(signal);
            } catch (Exception e) {
              throw new IllegalStateException(e);
            }
          };
      var _ = clock.scheduleAtFixedRate(task, afterMillis, TURN_MILLIS, TimeUnit.MILLISECONDS);
    }

    void loosen() throws Exception {
      clock.shutdownNow();
      assertThat(clock.awaitTermination(60, TimeUnit.SECONDS)).isTrue();
      server.signal("CONT");
    }

    @Override
    public void close() {
      clock.shutdownNow();
    }
  }
}
