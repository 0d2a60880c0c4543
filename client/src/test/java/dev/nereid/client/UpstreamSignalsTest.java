package dev.nereid.client;

import static org.assertj.core.api.Assertions.assertThat;

import dev.nereid.client.UpstreamStatus.RedFlag;
import dev.nereid.core.DataType;
import dev.nereid.core.Failure;
import dev.nereid.core.Fault;
import dev.nereid.core.InferRequest;
import dev.nereid.core.InferResponse;
import dev.nereid.core.Lease;
import dev.nereid.core.MemoryPool;
import dev.nereid.core.Reply;
import dev.nereid.core.Shape;
import dev.nereid.core.Tensor;
import dev.nereid.core.Ticker;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What a server is told beside the tensors, and what its connection tells of it. */
@Timeout(30)
final class UpstreamSignalsTest {
  private static final String MODEL = "m";
  private static final UpstreamOptions.Health ONCE =
      new UpstreamOptions.Health(Duration.ofHours(1), Duration.ofSeconds(5), 0);

  private final MemoryPool memory = new MemoryPool(MemoryPool.Limits.DEFAULT);
  private EventLoops loops;
  private ChannelRegistry registry;
  private @Nullable ScriptedServer started;
  private @Nullable Upstreams opened;

  @BeforeEach
  void start() {
    loops = EventLoops.of(1);
    registry = new ChannelRegistry(loops);
  }

  @AfterEach
  void stop() throws Exception {
    upstreams().close();
    server().close();
    registry.close();
    loops.close();
    assertThat(memory.openLeases()).as("open leases").isZero();
    memory.close();
  }

  private void open(ScriptedServer wanted) {
    started = wanted;
    UpstreamOptions options = UpstreamOptions.of(wanted.endpoint()).with(ONCE);
    opened = Upstreams.open(options, registry, memory, Ticker.system());
    until("the server was asked", () -> upstreams().isServing(MODEL));
  }

  private ScriptedServer server() {
    return Objects.requireNonNull(started);
  }

  private Upstreams upstreams() {
    return Objects.requireNonNull(opened);
  }

  private UpstreamStatus.Target target() {
    return upstreams().status().targets().getFirst();
  }

  private static void until(String what, BooleanSupplier holds) {
    long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(20);
    while (!holds.getAsBoolean()) {
      assertThat(System.nanoTime()).as("time to wait for: " + what).isLessThan(end);
      LockSupport.parkNanos(1_000_000);
    }
  }

  /** A request, and what becomes of it: nothing where it is answered. */
  private record Sent(InferRequest request, CompletableFuture<Optional<Fault>> outcome) {
    Optional<Fault> fault() throws Exception {
      return outcome.get(20, TimeUnit.SECONDS);
    }
  }

  private Sent send(@Nullable Duration patience) {
    CompletableFuture<Optional<Fault>> outcome = new CompletableFuture<>();
    Reply reply =
        new Reply() {
          @Override
          public void respond(InferResponse response) {
            response.close();
            outcome.complete(Optional.empty());
          }

          @Override
          public void fail(Failure failure) {
            outcome.complete(Optional.of(failure.fault()));
          }
        };
    long now = System.nanoTime();
    long deadline = patience == null ? Long.MAX_VALUE : now + patience.toNanos();
    var call = new InferRequest.Call(MODEL, -1, "", Map.of(), List.of(), 0, 0, now, deadline);
    Lease lease = memory.copyOf(new byte[4]);
    var input = new Tensor("x", DataType.UINT8, Shape.of(4), lease, 0, 4);
    InferRequest request = new InferRequest(call, List.of(input), List.of(lease), reply);
    upstreams().infer(request);
    return new Sent(request, outcome);
  }

  @Test
  void callsBeyondAServersStreamsAreSeenToWaitForOne() throws Exception {
    open(new ScriptedServer(1, MODEL));
    server().hold();
    List<Sent> sent = List.of(send(null), send(null), send(null));
    until("one is there", () -> server().held.size() == 1);
    until("two wait", () -> target().waitingStreams() == 2);
    assertThat(target().activeStreams()).isEqualTo(1);
    assertThat(target().connections()).isEqualTo(1);
    assertThat(target().flags()).containsExactly(RedFlag.STREAM_LIMIT);
    for (Sent each : sent) {
      server().held.take().run();
      assertThat(each.fault()).isEmpty();
    }
    assertThat(target().waitingStreams()).isZero();
    assertThat(target().flags()).isEmpty();
    assertThat(server().calls).hasValue(3);
  }

  @Test
  void theServerIsToldTheDeadline() throws Exception {
    open(new ScriptedServer(MODEL));
    assertThat(send(Duration.ofSeconds(10)).fault()).isEmpty();
    assertThat(server().patience.take()).isBetween(1L, 10_000L);
    assertThat(send(null).fault()).isEmpty();
    assertThat(server().patience.take()).as("none").isEqualTo(Long.MAX_VALUE);
  }

  @Test
  void theServerIsToldThatTheCallerWithdrew() throws Exception {
    open(new ScriptedServer(MODEL));
    server().hold();
    Sent sent = send(null);
    until("it is there", () -> server().held.size() == 1);
    assertThat(server().cancelled).hasValue(0);
    sent.request.cancel();
    assertThat(sent.fault()).contains(Fault.CANCELLED);
    until("it is called off", () -> server().cancelled.get() == 1);
  }

  @Test
  void theServerIsToldThatTheDeadlineHasPassed() throws Exception {
    open(new ScriptedServer(MODEL));
    server().hold();
    Sent sent = send(Duration.ofMillis(200));
    assertThat(sent.fault()).contains(Fault.DEADLINE_EXCEEDED);
    until("what came is called off", () -> server().cancelled.get() == server().calls.get());
    assertThat(target().breakers()).allMatch(breaker -> breaker.state().equals("CLOSED"));
  }
}
