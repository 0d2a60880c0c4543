package dev.nereid.app;

import static org.assertj.core.api.Assertions.assertThat;

import dev.nereid.client.TargetState;
import dev.nereid.client.UpstreamStatus;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * One gateway in front of three server processes, under constant load, while one server after the
 * other is mistreated: no request is lost, and answers are as quick as before after three seconds.
 */
@Timeout(240)
final class UpstreamChaosTest {
  private static final int PER_SECOND = 15;
  private static final long SECOND = TimeUnit.SECONDS.toNanos(1);
  private static final long RECOVERY = 3 * SECOND;

  /** Far from a time-out; and no more than three times what it was, where the machine is busy. */
  private static final long QUICK = SECOND;

  private static final List<ServerProcess> SERVERS = new ArrayList<>();
  private static RunningProgram gateway;
  private static HttpClient client;
  private static byte[] picture;

  /** One answered request. */
  private record Answer(long begun, long took, int status, String body) {}

  @BeforeAll
  static void start() throws Exception {
    for (int i = 1; i <= 3; i++) {
      SERVERS.add(new ServerProcess("127.0.0." + (10 + i), RunningProgram.HOME.resolve("models")));
    }
    for (ServerProcess server : SERVERS) {
      server.awaitReady();
    }
    String targets = String.join(",", SERVERS.stream().map(ServerProcess::endpoint).toList());
    gateway =
        RunningProgram.ofDemoModels("--upstream=" + targets, "--upstream-health-timeout-ms=1500");
    client = HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();
    picture = RunningProgram.sample("tiny.jpg");
    for (int i = 0; i < 30; i++) {
      assertThat(ask().status).isEqualTo(200);
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

  private static Answer ask() {
    long begun = System.nanoTime();
    HttpRequest request =
        HttpRequest.newBuilder(
                URI.create("http://127.0.0.1:" + gateway.server.gatewayPort() + "/classify"))
            .timeout(Duration.ofSeconds(30))
            .header("content-type", "image/jpeg")
            .POST(HttpRequest.BodyPublishers.ofByteArray(picture))
            .build();
    try {
      var answer = client.send(request, HttpResponse.BodyHandlers.ofString());
      return new Answer(begun, System.nanoTime() - begun, answer.statusCode(), answer.body());
    } catch (IOException e) {
      return new Answer(begun, System.nanoTime() - begun, -1, e.toString());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return new Answer(begun, 0, -2, "interrupted");
    }
  }

  /** So many requests a second, whatever becomes of them. */
  private static final class Load implements AutoCloseable {
    private final Queue<Answer> answers = new ConcurrentLinkedQueue<>();
    private final Semaphore running = new Semaphore(Integer.MAX_VALUE);
    private final ScheduledExecutorService clock = Executors.newSingleThreadScheduledExecutor();

    Load() {
      var _ = clock.scheduleAtFixedRate(this::send, 0, SECOND / PER_SECOND, TimeUnit.NANOSECONDS);
    }

    private void send() {
      running.acquireUninterruptibly();
      Thread.ofVirtual()
          .start(
              () -> {
                answers.add(ask());
                running.release();
              });
    }

    /** What became of the requests that began between two moments. */
    List<Answer> between(long from, long to) {
      return answers.stream().filter(each -> each.begun >= from && each.begun < to).toList();
    }

    /** Sends no more, and waits for what is on its way. */
    void end() {
      clock.shutdown();
      running.acquireUninterruptibly(Integer.MAX_VALUE);
      running.release(Integer.MAX_VALUE);
    }

    @Override
    public void close() {
      end();
    }
  }

  private static List<UpstreamStatus.Target> targets() {
    return gateway.server.upstreams().status().targets();
  }

  private static TargetState state(int server) {
    return targets().get(server).state();
  }

  private static void until(String what, BooleanSupplier holds) {
    long end = System.nanoTime() + 60 * SECOND;
    while (!holds.getAsBoolean()) {
      assertThat(System.nanoTime()).as("time to wait for: " + what).isLessThan(end);
      LockSupport.parkNanos(2_000_000);
    }
  }

  private static void pass(long nanos) {
    long end = System.nanoTime() + nanos;
    until("time to pass", () -> System.nanoTime() >= end);
  }

  private static long p99(List<Answer> answers) {
    long[] took = answers.stream().mapToLong(Answer::took).sorted().toArray();
    assertThat(took).isNotEmpty();
    return took[(int) (took.length * 0.99)];
  }

  private static String connections() throws Exception {
    URI uri = URI.create("http://127.0.0.1:" + gateway.server.gatewayPort() + "/connections");
    return client
        .send(
            HttpRequest.newBuilder(uri).header("accept", "text/plain").build(),
            HttpResponse.BodyHandlers.ofString())
        .body();
  }

  /** Runs a misfortune under load; everything is answered, and quickly after three seconds. */
  private static void survives(Misfortune misfortune) throws Exception {
    until("all live", () -> targets().stream().allMatch(each -> each.state() == TargetState.LIVE));
    try (Load load = new Load()) {
      pass(SECOND);
      long begun = System.nanoTime();
      misfortune.happen();
      pass(Math.max(0, begun + RECOVERY - System.nanoTime()));
      long recovered = System.nanoTime();
      pass(3 * SECOND);
      load.end();
      List<Answer> all = load.between(0, Long.MAX_VALUE);
      assertThat(all.stream().filter(each -> each.status != 200)).isEmpty();
      assertThat(p99(load.between(recovered, Long.MAX_VALUE)))
          .isLessThan(Math.max(QUICK, 3 * p99(load.between(0, begun))));
      System.out.printf(
          "p99 before %d ms, during %d ms, after %d ms%n%s%n",
          p99(load.between(0, begun)) / 1_000_000,
          p99(load.between(begun, recovered)) / 1_000_000,
          p99(load.between(recovered, Long.MAX_VALUE)) / 1_000_000,
          connections());
    }
  }

  private interface Misfortune {
    void happen() throws Exception;
  }

  @Test
  void requestsAreSpreadEvenly() {
    until("all live", () -> targets().stream().allMatch(each -> each.state() == TargetState.LIVE));
    until("a round in which no server was left out", UpstreamChaosTest::isSpread);
  }

  private static boolean isSpread() {
    long[] before = targets().stream().mapToLong(each -> each.calls().answered()).toArray();
    for (int i = 0; i < 90; i++) {
      assertThat(ask().status).isEqualTo(200);
    }
    long[] after = targets().stream().mapToLong(each -> each.calls().answered()).toArray();
    return IntStream.range(0, 3).allMatch(i -> Math.abs(after[i] - before[i] - 30) <= 1);
  }

  @Test
  void aKilledServerIsNotMissedAndARestartedOneIsUsed() throws Exception {
    survives(
        () -> {
          SERVERS.get(0).kill();
          until("seen", () -> state(0) == TargetState.UNREACHABLE);
          assertThat(connections()).contains("UNREACHABLE").contains("refused");
        });
    long before = targets().getFirst().calls().answered();
    survives(
        () -> {
          SERVERS.get(0).start();
          until("back", () -> state(0) == TargetState.LIVE);
          until("used", () -> targets().getFirst().calls().answered() > before + 10);
        });
  }

  @Test
  void aFrozenServerIsNotWaitedFor() throws Exception {
    survives(
        () -> {
          SERVERS.get(1).signal("STOP");
          until("seen", () -> state(1) == TargetState.STUCK);
          assertThat(connections()).contains("STUCK");
        });
    SERVERS.get(1).signal("CONT");
    until("back", () -> state(1) == TargetState.LIVE);
  }

  @Test
  void aSlowServerIsLeftOut() throws Exception {
    try (Brake brake = new Brake(SERVERS.get(2))) {
      survives(
          () -> {
            brake.pull();
            until("seen", () -> state(2) == TargetState.SLOW);
            assertThat(connections()).contains("SLOW");
          });
    }
  }

  /** Lets a server run for a small share of the time only. */
  private static final class Brake implements AutoCloseable {
    private static final long TURN_MILLIS = 440;
    private static final long STOPPED_MILLIS = 400;

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

    @Override
    public void close() {
      clock.close();
    }
  }
}
