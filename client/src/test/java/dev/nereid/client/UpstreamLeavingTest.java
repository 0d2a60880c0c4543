package dev.nereid.client;

import static org.assertj.core.api.Assertions.assertThat;

import dev.nereid.core.DataType;
import dev.nereid.core.Failure;
import dev.nereid.core.InferRequest;
import dev.nereid.core.InferResponse;
import dev.nereid.core.Lease;
import dev.nereid.core.MemoryPool;
import dev.nereid.core.Reply;
import dev.nereid.core.Shape;
import dev.nereid.core.Tensor;
import dev.nereid.core.Ticker;
import io.grpc.Status;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Servers that end, and say so: their calls go elsewhere, and nobody is blamed. */
@Timeout(30)
final class UpstreamLeavingTest {
  private static final String MODEL = "sequence"; // what may have run is not run again
  private static final UpstreamOptions.Health QUICK =
      new UpstreamOptions.Health(Duration.ofMillis(20), Duration.ofSeconds(2), 0);
  private static final UpstreamOptions.Health ONCE =
      new UpstreamOptions.Health(Duration.ofHours(1), Duration.ofSeconds(2), 0);

  private final MemoryPool memory = new MemoryPool(MemoryPool.Limits.DEFAULT);
  private EventLoops loops;
  private ChannelRegistry registry;
  private ScriptedServer good;
  private ScriptedServer other;
  private @Nullable Upstreams opened;

  @BeforeEach
  void start() throws Exception {
    loops = EventLoops.of(2);
    registry = new ChannelRegistry(loops);
    good = new ScriptedServer(MODEL);
    other = new ScriptedServer(MODEL);
  }

  @AfterEach
  void stop() throws Exception {
    upstreams().close();
    good.close();
    other.close();
    registry.close();
    loops.close();
    assertThat(memory.openLeases()).as("open leases").isZero();
    memory.close();
  }

  private void open(UpstreamOptions.Health health, Endpoint... targets) {
    opened =
        Upstreams.open(UpstreamOptions.of(targets).with(health), registry, memory, Ticker.system());
    until("all were asked", () -> servingCount() == targets.length);
  }

  private int servingCount() {
    return upstreams().models().getOrDefault(MODEL, List.of()).size();
  }

  private Upstreams upstreams() {
    return Objects.requireNonNull(opened);
  }

  private static void until(String what, BooleanSupplier holds) {
    long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(20);
    while (!holds.getAsBoolean()) {
      assertThat(System.nanoTime()).as("time to wait for: " + what).isLessThan(end);
      LockSupport.parkNanos(1_000_000);
    }
  }

  /** Sends a call, and waits for its good answer. */
  private void answered() throws Exception {
    CompletableFuture<Boolean> answer = new CompletableFuture<>();
    Reply reply =
        new Reply() {
          @Override
          public void respond(InferResponse response) {
            response.close();
            answer.complete(true);
          }

          @Override
          public void fail(Failure failure) {
            answer.completeExceptionally(failure.exception());
          }
        };
    long now = System.nanoTime();
    var call =
        new InferRequest.Call(
            MODEL, -1, "", Map.of(), List.of(), 0, 0, now, now + TimeUnit.SECONDS.toNanos(20));
    Lease lease = memory.copyOf(new byte[4]);
    var input = new Tensor("x", DataType.UINT8, Shape.of(4), lease, 0, 4);
    upstreams().infer(new InferRequest(call, List.of(input), List.of(lease), reply));
    assertThat(answer.get(20, TimeUnit.SECONDS)).isTrue();
  }

  private UpstreamStatus.Target target(int index) {
    return upstreams().status().targets().get(index);
  }

  private void assertBlameless(int index) {
    assertThat(target(index).calls().failed()).isZero();
    assertThat(target(index).breakers()).allMatch(breaker -> breaker.state().equals("CLOSED"));
  }

  @Test
  void aServerThatWithdrawsItsReadinessGetsNoMoreCalls() throws Exception {
    open(QUICK, other.endpoint(), good.endpoint());
    other.withdrawn = true;
    until("seen", () -> target(0).state() == TargetState.STOPPING);
    assertThat(target(0).reason()).isEqualTo("has withdrawn its readiness");
    int before = other.calls.get();
    for (int i = 0; i < 10; i++) {
      answered();
    }
    assertThat(other.calls).hasValue(before);
    other.withdrawn = false;
    until("it stays after all", () -> target(0).state() == TargetState.LIVE);
    assertBlameless(0);
  }

  @Test
  void theLastServerIsAskedToItsEnd() throws Exception {
    open(QUICK, good.endpoint());
    good.withdrawn = true;
    until("seen", () -> target(0).state() == TargetState.STOPPING);
    answered();
  }

  @Test
  void aServerThatIsNotReadyForWantOfAnotherModelIsUsed() throws Exception {
    open(QUICK, other.endpoint(), good.endpoint());
    other.unsound = true;
    for (int i = 0; i < 50; i++) {
      answered();
    }
    assertThat(target(0).state()).isEqualTo(TargetState.LIVE);
    assertThat(other.calls.get()).isBetween(24, 26);
  }

  @Test
  void whoSaysThatItIsStoppingIsLeftAtOnce() throws Exception {
    open(ONCE, other.endpoint(), good.endpoint());
    other.script =
        ScriptedServer.failing(
            Status.UNAVAILABLE.withDescription("Server is stopping, accepts no requests"), null);
    for (int i = 0; i < 20; i++) {
      answered();
    }
    assertThat(other.calls).as("the one that was told").hasValue(1);
    assertThat(target(0).state()).isEqualTo(TargetState.STOPPING);
    assertThat(target(0).reason()).contains("Server is stopping");
    assertBlameless(0);
  }

  @ParameterizedTest
  @EnumSource
  void whatAConnectionThatEndsDidNotBeginWithGoesElsewhere(LeavingServer.Manner manner)
      throws Exception {
    try (LeavingServer leaving = new LeavingServer(MODEL, manner)) {
      open(ONCE, leaving.endpoint(), good.endpoint());
      for (int i = 0; i < 20; i++) {
        answered();
      }
      assertThat(leaving.inferences()).as("refused there").isBetween(9, 11);
      assertThat(good.calls).hasValue(20);
      assertThat(target(0).state()).isEqualTo(TargetState.LIVE);
      assertBlameless(0);
    }
  }
}
