package dev.nereid.scheduler;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.nereid.backend.Placement;
import dev.nereid.config.ConfigText;
import dev.nereid.config.proto.ModelConfig;
import dev.nereid.core.FakeTicker;
import dev.nereid.core.FaultException;
import dev.nereid.scheduler.RateLimiter.Claim;
import dev.nereid.scheduler.RateLimiter.Resource;
import dev.nereid.telemetry.Metrics;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.PriorityQueue;
import org.junit.jupiter.api.Test;

/** Who gets resources, and when, without a thread: claims are asked for and released by hand. */
final class RateLimiterTest {
  private static ModelConfig model(String name, String limiter) {
    return ConfigText.parse(
        "name: \"%s\" instance_group { name: \"g\" rate_limiter { %s } }".formatted(name, limiter),
        "test");
  }

  private static String resource(String name, int count) {
    return "resources { name: \"%s\" count: %d } ".formatted(name, count);
  }

  private static Claim claim(RateLimiter limiter, String resources, int device) {
    var placement = List.of(new Placement("g", 0, device));
    return Objects.requireNonNull(
        limiter.register(model("m", resources), placement).claim(0), "claim");
  }

  private static Claim claim(RateLimiter limiter, String resources) {
    return claim(limiter, resources, Placement.CPU);
  }

  private static boolean asks(Claim claim) {
    claim.ask();
    return claim.isHeld();
  }

  @Test
  void withoutDeclaredSizesThereIsAsMuchAsTheGreediestNeeds() {
    RateLimiter limiter = new RateLimiter(List.of());
    Claim four = claim(limiter, resource("R", 4));
    Claim three = claim(limiter, resource("R", 3));
    Claim one = claim(limiter, resource("R", 1));
    assertThat(asks(three)).isTrue();
    assertThat(asks(one)).isTrue();
    assertThat(asks(four)).isFalse();
    three.release();
    assertThat(four.isHeld()).isFalse();
    one.release();
    assertThat(four.isHeld()).isTrue();
  }

  @Test
  void declaredSizesHoldForEachDeviceAndUnlistedResourcesAreNotThere() {
    RateLimiter limiter =
        new RateLimiter(List.of(new Resource("R", 2, null), new Resource("R", 5, 1)));
    Claim left = claim(limiter, resource("R", 2), 0);
    Claim right = claim(limiter, resource("R", 5), 1);
    assertThat(asks(left)).isTrue();
    assertThat(asks(right)).as("another device").isTrue();
    assertThatThrownBy(() -> claim(limiter, resource("R", 3), 0))
        .isInstanceOf(FaultException.class)
        .hasMessageContaining(
            "Resource count for \"R\" is limited to 2 which will prevent scheduling of one or more"
                + " model instances");
    assertThatThrownBy(() -> claim(limiter, resource("S", 1)))
        .hasMessageContaining("Resource count for \"S\" is limited to 0");
  }

  @Test
  void aGlobalResourceIsSharedByAllDevices() {
    RateLimiter limiter = new RateLimiter(List.of(new Resource("R", 1, 7)));
    String global = "resources { name: \"R\" count: 1 global: true }";
    Claim left = claim(limiter, global, 0);
    Claim right = claim(limiter, global, 1);
    assertThat(asks(left)).isTrue();
    assertThat(asks(right)).isFalse();
    left.release();
    assertThat(right.isHeld()).isTrue();
    assertThatThrownBy(() -> claim(limiter, resource("R", 1), 0))
        .hasMessageContaining("both global and per device");
  }

  /** A worker with always more to do: its claim, and how long an execution takes. */
  private record Worker(String name, Claim claim, Duration execution) {}

  private record End(long nanos, Worker worker) {}

  /** Executions of each worker in ten simulated seconds on a clock of the test's own. */
  private static Map<String, Integer> simulate(List<Worker> workers) {
    FakeTicker ticker = new FakeTicker();
    long end = ticker.nanos() + Duration.ofSeconds(10).toNanos();
    Map<String, Integer> executions = new HashMap<>();
    PriorityQueue<End> running = new PriorityQueue<>(Comparator.comparingLong(End::nanos));
    List<Worker> waiting = new ArrayList<>(workers);
    waiting.forEach(worker -> worker.claim.ask());
    while (ticker.nanos() < end) {
      for (Worker worker : List.copyOf(waiting)) {
        if (worker.claim.isHeld()) {
          waiting.remove(worker);
          running.add(new End(ticker.nanos() + worker.execution.toNanos(), worker));
        }
      }
      End next = Objects.requireNonNull(running.poll(), "somebody always runs");
      ticker.advance(Duration.ofNanos(next.nanos - ticker.nanos()));
      executions.merge(next.worker.name, 1, Integer::sum);
      next.worker.claim.release();
      next.worker.claim.ask();
      waiting.add(next.worker);
    }
    return executions;
  }

  @Test
  void underContentionExecutionsGoByPriorityWhateverTheyTake() {
    RateLimiter limiter = new RateLimiter(List.of());
    Map<String, Integer> executions =
        simulate(
            List.of(
                new Worker(
                    "one", claim(limiter, resource("R", 1) + "priority: 1"), Duration.ofMillis(3)),
                new Worker(
                    "two", claim(limiter, resource("R", 1) + "priority: 2"), Duration.ofMillis(9)),
                new Worker("none", claim(limiter, resource("R", 1)), Duration.ofMillis(1))));
    int half = executions.getOrDefault("two", 0);
    assertThat(half).isPositive();
    assertThat(executions.get("one")).isBetween(2 * half - 2, 2 * half + 2);
    assertThat(executions.get("none")).isBetween(2 * half - 2, 2 * half + 2);
  }

  @Test
  void twoWhoAlwaysHaveMoreToDoGoByPriority() {
    RateLimiter limiter = new RateLimiter(List.of());
    Claim often = claim(limiter, resource("R", 1) + "priority: 1");
    Claim seldom = claim(limiter, resource("R", 1) + "priority: 3");
    often.ask();
    seldom.ask();
    int executions = 0;
    for (int i = 0; i < 400; i++) {
      assertThat(often.isHeld()).isNotEqualTo(seldom.isHeld());
      executions += often.isHeld() ? 1 : 0;
      (often.isHeld() ? often : seldom).askAgain();
    }
    assertThat(executions).isBetween(298, 302);
  }

  @Test
  void whoAwaitsNothingAnyMoreIsGrantedNothing() {
    RateLimiter limiter = new RateLimiter(List.of());
    Claim busy = claim(limiter, resource("R", 1));
    Claim other = claim(limiter, resource("R", 1));
    assertThat(asks(busy)).isTrue();
    other.ask();
    other.ask();
    other.release();
    busy.askAgain();
    assertThat(busy.isHeld()).isTrue();
    assertThat(other.isHeld()).isFalse();
  }

  @Test
  void aGreedyInstanceIsNotStarvedByModestOnes() {
    RateLimiter limiter = new RateLimiter(List.of(new Resource("R", 4, null)));
    List<Worker> workers = new ArrayList<>();
    workers.add(new Worker("greedy", claim(limiter, resource("R", 4)), Duration.ofMillis(10)));
    for (int i = 0; i < 4; i++) {
      workers.add(new Worker("modest", claim(limiter, resource("R", 1)), Duration.ofMillis(7 + i)));
    }
    Map<String, Integer> executions = simulate(workers);
    assertThat(executions.get("greedy")).isGreaterThan(400);
    assertThat(executions.get("modest")).isGreaterThan(4 * 400);
  }

  @Test
  void whoCannotRunYetKeepsNobodyFromOtherResources() {
    RateLimiter limiter = new RateLimiter(List.of());
    Claim first = claim(limiter, resource("R", 1));
    Claim second = claim(limiter, resource("R", 1));
    Claim other = claim(limiter, resource("S", 1));
    assertThat(asks(first)).isTrue();
    assertThat(asks(second)).isFalse();
    assertThat(asks(other)).isTrue();
  }

  @Test
  void aNewcomerDoesNotCatchUpWithWhatItMissed() {
    RateLimiter limiter = new RateLimiter(List.of());
    Claim old = claim(limiter, resource("R", 1));
    for (int i = 0; i < 1000; i++) {
      assertThat(asks(old)).isTrue();
      old.release();
    }
    Claim young = claim(limiter, resource("R", 1));
    assertThat(asks(young)).isTrue();
    old.ask();
    young.release();
    young.ask();
    assertThat(old.isHeld()).as("the newcomer had its turn").isTrue();
  }

  @Test
  void aModelThatGoesWaitsNoMoreAndTakesItsClaimsAlong() {
    RateLimiter limiter = new RateLimiter(List.of());
    var registration =
        limiter.register(
            model("m", resource("R", 2)), List.of(new Placement("g", 0, Placement.CPU)));
    Claim held = Objects.requireNonNull(registration.claim(0), "claim");
    Claim waits = claim(limiter, resource("R", 1));
    assertThat(asks(held)).isTrue();
    assertThat(asks(waits)).isFalse();
    registration.close();
    assertThat(asks(held)).as("what it holds it still gives back").isTrue();
    held.release();
    assertThat(waits.isHeld()).isTrue();
    assertThat(asks(held)).isFalse();
    Metrics metrics = new Metrics();
    metrics.register(limiter);
    assertThat(metrics.scrape())
        .contains("nereid_resource_size{resource=\"R\",device=\"-1\"} 1\n")
        .contains("nereid_resource_used{resource=\"R\",device=\"-1\"} 1\n");
  }

  @Test
  void aGroupWithoutResourcesHasNoClaim() {
    RateLimiter limiter = new RateLimiter(List.of());
    var placement = List.of(new Placement("g", 0, Placement.CPU));
    assertThat(limiter.register(model("m", "priority: 3"), placement).claim(0)).isNull();
  }
}
