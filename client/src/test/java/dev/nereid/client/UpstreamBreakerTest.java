package dev.nereid.client;

import static org.assertj.core.api.Assertions.assertThat;

import dev.nereid.core.DataType;
import dev.nereid.core.Failure;
import dev.nereid.core.FakeTicker;
import dev.nereid.core.Fault;
import dev.nereid.core.FaultException;
import dev.nereid.core.InferRequest;
import dev.nereid.core.InferResponse;
import dev.nereid.core.Lease;
import dev.nereid.core.MemoryPool;
import dev.nereid.core.Reply;
import dev.nereid.core.Shape;
import dev.nereid.core.Tensor;
import io.grpc.Status;
import java.time.Duration;
import java.util.AbstractList;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What counts against a model at a server, with a clock that the test moves. */
@Timeout(60)
final class UpstreamBreakerTest {
  private static final String MODEL = "m";
  private static final Duration UNKNOWN = Duration.ofMillis(500);
  private static final UpstreamOptions.Health HEALTH =
      new UpstreamOptions.Health(Duration.ofHours(1), UNKNOWN, 0);
  private static final Duration PAUSE = Duration.ofSeconds(30);

  private final FakeTicker clock = new FakeTicker();
  private final MemoryPool memory = new MemoryPool(MemoryPool.Limits.DEFAULT);
  private final List<ScriptedServer> servers = new ArrayList<>();
  private EventLoops loops;
  private ChannelRegistry registry;
  private @Nullable Upstreams opened;

  @BeforeEach
  void start() {
    loops = EventLoops.of(1);
    registry = new ChannelRegistry(loops);
  }

  @AfterEach
  void stop() throws Exception {
    upstreams().close();
    servers.forEach(ScriptedServer::close);
    registry.close();
    loops.close();
    assertThat(memory.openLeases()).as("open leases").isZero();
    memory.close();
  }

  private void open(int count, UpstreamOptions.Breaker breaker, UpstreamOptions.Retry retry)
      throws Exception {
    open(count, breaker, retry, HEALTH);
  }

  private void open(
      int count,
      UpstreamOptions.Breaker breaker,
      UpstreamOptions.Retry retry,
      UpstreamOptions.Health health)
      throws Exception {
    for (int i = 0; i < count; i++) {
      servers.add(new ScriptedServer(MODEL));
    }
    Endpoint[] targets = servers.stream().map(ScriptedServer::endpoint).toArray(Endpoint[]::new);
    UpstreamOptions options = UpstreamOptions.of(targets).with(health).with(breaker).with(retry);
    opened = Upstreams.open(options, registry, memory, clock);
    until(
        "every server was asked",
        () -> upstreams().models().getOrDefault(MODEL, List.of()).size() == count);
  }

  private Upstreams upstreams() {
    return Objects.requireNonNull(opened);
  }

  private static void until(String what, BooleanSupplier holds) {
    long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(30);
    while (!holds.getAsBoolean()) {
      assertThat(System.nanoTime()).as("time to wait for: " + what).isLessThan(end);
      LockSupport.parkNanos(1_000_000);
    }
  }

  /** The breaker of the model at a server; none before the first call. */
  private String breaker(int server) {
    return upstreams().status().targets().get(server).breakers().stream()
        .map(UpstreamStatus.Breaker::state)
        .findFirst()
        .orElse("none");
  }

  /** What becomes of a request: nothing where it is answered. */
  private static final class Outcome extends CompletableFuture<Optional<Fault>> implements Reply {
    @Override
    public void respond(InferResponse response) {
      response.close();
      complete(Optional.empty());
    }

    @Override
    public void fail(Failure failure) {
      complete(Optional.of(failure.fault()));
    }

    Optional<Fault> fault() throws Exception {
      return get(30, TimeUnit.SECONDS);
    }
  }

  /** Sends a request whose caller waits so long; null for as long as it takes. */
  private Outcome send(@Nullable Duration patience, @Nullable Endpoint only) {
    Lease lease = memory.copyOf(new byte[4]);
    return send(List.of(new Tensor("x", DataType.UINT8, Shape.of(4), lease, 0, 4)), patience, only);
  }

  private Outcome send(List<Tensor> inputs, @Nullable Duration patience, @Nullable Endpoint only) {
    long now = clock.nanos();
    long deadline = patience == null ? Long.MAX_VALUE : now + patience.toNanos();
    var call = new InferRequest.Call(MODEL, -1, "", Map.of(), List.of(), 0, 0, now, deadline);
    Outcome outcome = new Outcome();
    List<Lease> leases = List.of(inputs.get(0).lease());
    upstreams().infer(new InferRequest(call, inputs, leases, outcome), only);
    return outcome;
  }

  /** As many callers as open a breaker wait so long, and are not answered. */
  private void giveUpAfter(Duration patience) throws Exception {
    List<Outcome> sent = new ArrayList<>();
    for (int i = 0; i < UpstreamOptions.Breaker.DEFAULT.failures(); i++) {
      sent.add(send(patience, null));
    }
    for (Outcome each : sent) {
      assertThat(each.fault()).contains(Fault.DEADLINE_EXCEEDED);
    }
  }

  @Test
  void impatientCallersSayNothingOfAServerAndPatientOnesDo() throws Exception {
    open(1, UpstreamOptions.Breaker.DEFAULT, UpstreamOptions.Retry.DEFAULT);
    ScriptedServer server = servers.getFirst();
    server.hold();
    giveUpAfter(UNKNOWN.dividedBy(5));
    assertThat(breaker(0)).as("while nobody knows what is usual").isEqualTo("CLOSED");
    List<Outcome> slow = new ArrayList<>();
    for (int i = 0; i < 5; i++) {
      slow.add(send(null, null));
    }
    clock.advance(Duration.ofMillis(200));
    until(
        "all are answered",
        () -> {
          Optional.ofNullable(server.held.poll()).ifPresent(Runnable::run);
          return slow.stream().allMatch(Outcome::isDone);
        });
    assertThat(slow).allMatch(each -> each.join().isEmpty());
    giveUpAfter(Duration.ofMillis(700));
    assertThat(breaker(0)).as("less than four times the usual 200 ms").isEqualTo("CLOSED");
    server.script = ScriptedServer.ECHO;
    assertThat(send(null, null).fault()).as("a patient caller").isEmpty();
    server.hold();
    giveUpAfter(Duration.ofMillis(850));
    assertThat(breaker(0)).as("more than that").isEqualTo("OPEN");
  }

  @Test
  void aModelThatHangsFromTheStartIsFoundOut() throws Exception {
    open(1, UpstreamOptions.Breaker.DEFAULT, UpstreamOptions.Retry.DEFAULT);
    servers.getFirst().hold();
    giveUpAfter(UNKNOWN);
    assertThat(breaker(0)).isEqualTo("OPEN");
    assertThat(send(null, null).fault()).contains(Fault.NOT_READY);
    clock.advance(PAUSE.plusMillis(1));
    servers.getFirst().script = ScriptedServer.ECHO;
    assertThat(send(null, null).fault()).as("a probe").isEmpty();
    assertThat(send(null, null).fault()).as("another").isEmpty();
    assertThat(breaker(0)).isEqualTo("CLOSED");
  }

  private TargetState state() {
    return upstreams().status().targets().getFirst().state();
  }

  @Test
  void whereNobodyElseIsAFrozenServerIsWaitedForAWhile() throws Exception {
    Duration timeout = Duration.ofMillis(300);
    open(
        1,
        UpstreamOptions.Breaker.DEFAULT,
        UpstreamOptions.Retry.DEFAULT,
        new UpstreamOptions.Health(Duration.ofMillis(20), timeout, 0));
    ScriptedServer server = servers.getFirst();
    server.hold();
    int count = UpstreamOptions.Breaker.DEFAULT.failures() + 1;
    List<Outcome> sent = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      sent.add(send(null, null));
    }
    until("all are there", () -> server.held.size() == count);
    server.silent = true;
    until("it is stuck", () -> state() == TargetState.STUCK);
    clock.advance(timeout.multipliedBy(4));
    server.held.remove().run();
    until("one is answered", () -> sent.stream().anyMatch(Outcome::isDone));
    clock.advance(timeout.multipliedBy(4));
    assertThat(sent).as("it said something lately").filteredOn(Outcome::isDone).hasSize(1);
    clock.advance(timeout.multipliedBy(2));
    List<Optional<Fault>> faults = new ArrayList<>();
    for (Outcome each : sent) {
      faults.add(each.fault());
    }
    assertThat(faults)
        .hasSize(count)
        .containsOnlyOnce(Optional.empty())
        .containsOnly(Optional.empty(), Optional.of(Fault.NOT_READY));
    until("its breaker is open", () -> breaker(0).equals("OPEN"));
    assertThat(send(null, null).fault()).as("at once").contains(Fault.NOT_READY);
    server.silent = false;
    server.script = ScriptedServer.ECHO;
    until("it is back", () -> state() == TargetState.LIVE);
    assertThat(send(null, null).fault()).isEmpty();
  }

  /** Inputs that can be read so often: for the limits, and for one message. */
  private static final class Fading extends AbstractList<Tensor> {
    private static final int READS = 2;

    private final Tensor input;
    private final AtomicInteger reads = new AtomicInteger();

    Fading(Tensor input) {
      this.input = input;
    }

    @Override
    public Tensor get(int index) {
      return input;
    }

    @Override
    public int size() {
      return 1;
    }

    @Override
    public Iterator<Tensor> iterator() {
      if (reads.incrementAndGet() > READS) {
        throw FaultException.of(Fault.TOO_LARGE, "no second message");
      }
      return List.of(input).iterator();
    }
  }

  @Test
  void aSecondAttemptThatCannotBeMadeTakesNoProbeFromTheOthers() throws Exception {
    open(
        2,
        new UpstreamOptions.Breaker(1, PAUSE, 1),
        UpstreamOptions.Retry.DEFAULT.hedgedAfter(Duration.ofMillis(200)));
    ScriptedServer first = servers.get(0);
    ScriptedServer second = servers.get(1);
    second.script = ScriptedServer.failing(Status.INTERNAL, null);
    assertThat(send(null, second.endpoint()).fault()).contains(Fault.BACKEND_FAILED);
    assertThat(breaker(1)).isEqualTo("OPEN");
    second.script = ScriptedServer.ECHO;
    first.hold();
    Lease lease = memory.copyOf(new byte[4]);
    Fading inputs = new Fading(new Tensor("x", DataType.UINT8, Shape.of(4), lease, 0, 4));
    Outcome outcome = send(inputs, null, null);
    clock.advance(PAUSE.plusMillis(1)); // the second server's probe is due, for the hedge
    until("a second message was wanted", () -> inputs.reads.get() > Fading.READS);
    first.held.take().run();
    assertThat(outcome.fault()).as("the first attempt went on").isEmpty();
    assertThat(send(null, second.endpoint()).fault()).as("the probe").isEmpty();
    assertThat(breaker(1)).isEqualTo("CLOSED");
    assertThat(upstreams().status().hedges()).isZero();
  }
}
