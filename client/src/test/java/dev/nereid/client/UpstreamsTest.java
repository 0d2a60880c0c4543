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
import dev.nereid.core.Ticker;
import io.grpc.Status;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Three servers as one, each doing what the test says. */
@Timeout(30)
final class UpstreamsTest {
  private static final String MODEL = "m";
  private static final byte[] BYTES = {1, 2, 3, 4};

  /** Asks often, and takes no server for stuck that is merely on a busy machine. */
  private static final UpstreamOptions.Health QUICK =
      new UpstreamOptions.Health(Duration.ofMillis(20), Duration.ofSeconds(10), 0);

  private static final UpstreamOptions.Health IMPATIENT =
      new UpstreamOptions.Health(Duration.ofMillis(20), Duration.ofMillis(700), 0);

  private final MemoryPool memory = new MemoryPool(MemoryPool.Limits.DEFAULT);
  private final List<ScriptedServer> servers = new ArrayList<>();
  private EventLoops loops;
  private ChannelRegistry registry;
  private @Nullable Upstreams opened;

  @BeforeEach
  void start() throws Exception {
    loops = EventLoops.of(2);
    registry = new ChannelRegistry(loops);
    for (int i = 0; i < 3; i++) {
      servers.add(new ScriptedServer(MODEL, "levels", "ensemble", "nested", "sequence"));
    }
  }

  @AfterEach
  void stop() throws Exception {
    upstreams().close();
    for (ScriptedServer server : servers) {
      server.close();
    }
    registry.close();
    loops.close();
    assertThat(memory.openLeases()).as("open leases").isZero();
    memory.close();
  }

  private void open(UnaryOperator<UpstreamOptions> change) {
    open(change, Ticker.system());
  }

  private void open(UnaryOperator<UpstreamOptions> change, Ticker ticker) {
    Endpoint[] endpoints = servers.stream().map(ScriptedServer::endpoint).toArray(Endpoint[]::new);
    UpstreamOptions options = change.apply(UpstreamOptions.of(endpoints).with(QUICK));
    opened = Upstreams.open(options, registry, memory, ticker);
    until(
        "every server that runs was asked",
        () ->
            servers.stream().noneMatch(ScriptedServer::isUp)
                || upstreams().models().getOrDefault(MODEL, List.of()).size() == servers.size());
  }

  private Upstreams upstreams() {
    return Objects.requireNonNull(opened);
  }

  private static InferRequest.Call call(String model, long priority, Duration patience) {
    long now = System.nanoTime();
    return new InferRequest.Call(
        model, -1, "id", Map.of(), List.of(), priority, 0, now, now + patience.toNanos());
  }

  private record Sent(InferRequest request, CompletableFuture<byte[]> answer) {
    Fault fault() throws Exception {
      try {
        byte[] answered = answer.get(20, TimeUnit.SECONDS);
        throw new AssertionError("answered with " + answered.length + " bytes");
      } catch (ExecutionException e) {
        if (e.getCause() instanceof FaultException failed) {
          return failed.failure().fault();
        }
        throw e;
      }
    }
  }

  private Sent send(InferRequest.Call call) {
    return send(call, null);
  }

  private Sent send(InferRequest.Call call, @Nullable Endpoint only) {
    CompletableFuture<byte[]> answer = new CompletableFuture<>();
    Reply reply =
        new Reply() {
          @Override
          public void respond(InferResponse response) {
            try (response) {
              byte[] content = new byte[response.output("x").length()];
              response.output("x").bytes().get(content);
              answer.complete(content);
            }
          }

          @Override
          public void fail(Failure failure) {
            answer.completeExceptionally(failure.exception());
          }
        };
    Lease lease = memory.copyOf(BYTES);
    var input = new Tensor("x", DataType.UINT8, Shape.of(BYTES.length), lease, 0, BYTES.length);
    InferRequest request = new InferRequest(call, List.of(input), List.of(lease), reply);
    upstreams().infer(request, only);
    return new Sent(request, answer);
  }

  private Sent send() {
    return send(call(MODEL, 0, Duration.ofSeconds(20)));
  }

  private void answered(int count) throws Exception {
    List<Sent> all = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      all.add(send());
    }
    allAreAnswered(all);
  }

  private static void until(String what, BooleanSupplier holds) {
    long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(20);
    while (!holds.getAsBoolean()) {
      assertThat(System.nanoTime()).as("time to wait for: " + what).isLessThan(end);
      LockSupport.parkNanos(1_000_000);
    }
  }

  private int calls(int server) {
    return servers.get(server).calls.get();
  }

  private TargetState state(int target) {
    return upstreams().status().targets().get(target).state();
  }

  @Test
  void aCallMayBeForOneServerOnly() throws Exception {
    open(options -> options);
    Endpoint second = servers.get(1).endpoint();
    assertThat(upstreams().isTarget(second)).isTrue();
    assertThat(upstreams().isTarget(new Endpoint("elsewhere", 1))).isFalse();
    for (int i = 0; i < 6; i++) {
      Sent sent = send(call(MODEL, 0, Duration.ofSeconds(20)), second);
      assertThat(sent.answer.get(20, TimeUnit.SECONDS)).isEqualTo(BYTES);
    }
    assertThat(servers.stream().map(server -> server.calls.get()).toList())
        .containsExactly(0, 6, 0);
    assertThat(upstreams().contents(MODEL)).hasSize(1).first().asString().startsWith(MODEL);
    assertThat(upstreams().contents("sequence")).as("remembers requests").isEmpty();
    assertThat(upstreams().contents("nobody")).isEmpty();
  }

  @Test
  void callsAreSpreadEvenlyOverOneConnectionEach() throws Exception {
    open(options -> options);
    answered(300);
    for (int i = 0; i < 3; i++) {
      assertThat(calls(i)).isBetween(99, 101);
      assertThat(upstreams().status().targets().get(i).connections()).isEqualTo(1);
      assertThat(upstreams().status().targets().get(i).flags()).isEmpty();
    }
    assertThat(upstreams().status().channels()).hasSize(3);
  }

  @Test
  void aPoolHasSoManyConnections() throws Exception {
    open(options -> options.withChannels(2));
    answered(100);
    until(
        "two connections",
        () -> upstreams().status().targets().stream().allMatch(each -> each.connections() == 2));
  }

  @Test
  void theCallsOfAKilledServerAreAnsweredByTheOthers() throws Exception {
    open(options -> options);
    servers.forEach(ScriptedServer::hold);
    List<Sent> sent = new ArrayList<>();
    for (int i = 0; i < 30; i++) {
      sent.add(send());
    }
    until("all sent", () -> servers.stream().allMatch(server -> server.held.size() == 10));
    servers.get(0).kill();
    until("moved", () -> servers.get(1).held.size() + servers.get(2).held.size() == 30);
    servers.subList(1, 3).forEach(server -> server.held.forEach(Runnable::run));
    allAreAnswered(sent);
    until("seen", () -> state(0) == TargetState.UNREACHABLE);
    assertThat(upstreams().status().targets().get(0).flags())
        .contains(UpstreamStatus.RedFlag.REFUSED);
    servers.get(0).restart();
    until("back", () -> state(0) == TargetState.LIVE);
    servers.forEach(server -> server.script = ScriptedServer.ECHO);
    until(
        "its breaker closed",
        () -> {
          var _ = send().answer.join();
          return breaker(0).equals("CLOSED");
        });
    int before = calls(0);
    answered(30);
    assertThat(calls(0) - before).isBetween(9, 11);
  }

  @Test
  void theCallsOfAStuckServerAreMovedAndItGetsNoMore() throws Exception {
    open(options -> options.with(IMPATIENT));
    servers.get(0).hold();
    servers.get(0).silent = true;
    answered(30);
    until("stuck", () -> state(0) == TargetState.STUCK);
    int before = calls(0);
    answered(30);
    assertThat(calls(0)).isEqualTo(before);
    servers.get(0).silent = false;
    servers.get(0).script = ScriptedServer.ECHO;
    until("live", () -> state(0) == TargetState.LIVE);
  }

  @Test
  void aRequestThatMayHaveRunIsNotRepeatedWhereThatDoesHarm() throws Exception {
    open(options -> options);
    servers.forEach(ScriptedServer::hold);
    Sent sent = send(call("sequence", 0, Duration.ofSeconds(20)));
    until("sent", () -> servers.stream().anyMatch(server -> !server.held.isEmpty()));
    for (ScriptedServer server : servers) {
      if (!server.held.isEmpty()) {
        server.kill();
      }
    }
    assertThat(sent.fault()).isEqualTo(Fault.NOT_READY);
    assertThat(servers.stream().mapToInt(server -> server.calls.get()).sum()).isEqualTo(1);
  }

  @Test
  void anOverloadIsNotMetWithRetriesUnlessTheServerAsksForOne() throws Exception {
    open(options -> options);
    Status full = Status.UNAVAILABLE.withDescription("Exceeds maximum queue size");
    servers.forEach(server -> server.script = ScriptedServer.failing(full, null));
    assertThat(send().fault()).isEqualTo(Fault.OVERLOADED);
    assertThat(servers.stream().mapToInt(server -> server.calls.get()).sum()).isEqualTo(1);
    servers.forEach(server -> server.script = ScriptedServer.failing(full, 1L));
    assertThat(send().fault()).isEqualTo(Fault.OVERLOADED);
    assertThat(servers.stream().mapToInt(server -> server.calls.get()).sum()).isEqualTo(5);
    assertThat(upstreams().status().retries()).isEqualTo(3);
  }

  @Test
  void retriesEndWithTheirBudget() throws Exception {
    open(
        options ->
            options.with(new UpstreamOptions.Retry(4, Duration.ofMillis(1), 5, 0, Duration.ZERO)));
    Status loading = Status.UNAVAILABLE.withDescription("'m' is not at ready state");
    servers.forEach(server -> server.script = ScriptedServer.failing(loading, null));
    for (int i = 0; i < 4; i++) {
      assertThat(send().fault()).isEqualTo(Fault.NOT_READY);
    }
    assertThat(servers.stream().mapToInt(server -> server.calls.get()).sum()).isEqualTo(4 + 5);
    assertThat(upstreams().status().retryRefusals()).isPositive();
  }

  @Test
  void aBreakerOpensAfterItsFailuresAndClosesAfterGoodProbes() throws Exception {
    open(options -> options.with(new UpstreamOptions.Breaker(5, Duration.ofMillis(1500), 2)));
    servers.get(0).script = ScriptedServer.failing(Status.INTERNAL, null);
    while (calls(0) < 5) {
      send().answer.exceptionally(_ -> BYTES).get(20, TimeUnit.SECONDS);
    }
    assertThat(breaker(0)).isEqualTo("OPEN");
    answered(20);
    assertThat(calls(0)).isEqualTo(5);
    servers.get(0).script = ScriptedServer.ECHO;
    until(
        "closed",
        () -> {
          var _ = send().answer.join();
          return breaker(0).equals("CLOSED");
        });
    int before = calls(0);
    answered(30);
    assertThat(calls(0) - before).isBetween(9, 11);
  }

  private String breaker(int target) {
    return upstreams().status().targets().get(target).breakers().stream()
        .filter(each -> each.model().equals(MODEL))
        .findFirst()
        .orElseThrow()
        .state();
  }

  @Test
  void aRequestGoesOnlyWhereItsModelIsReady() throws Exception {
    servers.get(1).ready.add("rare");
    open(options -> options);
    for (int i = 0; i < 9; i++) {
      assertThat(send(call("rare", 0, Duration.ofSeconds(20))).answer.get(20, TimeUnit.SECONDS))
          .isEqualTo(BYTES);
    }
    assertThat(List.of(calls(0), calls(1), calls(2))).containsExactly(0, 9, 0);
    assertThat(upstreams().models().get("rare")).containsExactly(servers.get(1).endpoint());
    servers.get(1).ready.remove("rare");
    until("unloaded", () -> !upstreams().isKnown("rare"));
    assertThat(send(call("rare", 0, Duration.ofSeconds(20))).fault()).isEqualTo(Fault.NOT_FOUND);
    assertThat(send(call("none", 0, Duration.ofSeconds(20))).fault()).isEqualTo(Fault.NOT_FOUND);
  }

  @Test
  void theLeastBusyServerGetsTheCallWhenAsked() throws Exception {
    open(options -> options.with(UpstreamOptions.Policy.LEAST_REQUEST));
    servers.get(0).hold();
    List<Sent> held = new ArrayList<>();
    while (servers.get(0).held.isEmpty()) {
      held.add(send());
      until("one answered or held", () -> isSettled(held));
    }
    answered(1);
    for (int i = 0; i < 20; i++) {
      answered(1);
    }
    assertThat(calls(0)).isEqualTo(1);
    servers.get(0).held.forEach(Runnable::run);
    allAreAnswered(held);
  }

  private static void allAreAnswered(List<Sent> sent) throws Exception {
    for (Sent each : sent) {
      assertThat(each.answer.get(20, TimeUnit.SECONDS)).isEqualTo(BYTES);
    }
  }

  private boolean isSettled(List<Sent> sent) {
    return sent.getLast().answer.isDone() || !servers.get(0).held.isEmpty();
  }

  @Test
  void aSilentCallIsSentASecondTimeWhenHedgingIsOn() throws Exception {
    open(
        options -> options.with(UpstreamOptions.Retry.DEFAULT.hedgedAfter(Duration.ofMillis(300))));
    servers.get(0).hold();
    answered(9);
    assertThat(upstreams().status().hedges()).isEqualTo(3);
    assertThat(calls(0)).isEqualTo(3);
  }

  @ParameterizedTest
  @ValueSource(strings = {"levels", "ensemble", "nested"})
  void lanesHaveConnectionsOfTheirOwnAndBecomePriorities(String model) throws Exception {
    open(options -> options);
    for (Lane lane : Lane.values()) {
      send(call(model, lane.priority(), Duration.ofSeconds(20))).answer.get(20, TimeUnit.SECONDS);
    }
    List<Long> priorities = new ArrayList<>();
    for (ScriptedServer server : servers) {
      var request = server.received.take();
      priorities.add(
          request.containsParameters("priority")
              ? request.getParametersOrThrow("priority").getInt64Param()
              : 0);
    }
    assertThat(priorities).containsExactlyInAnyOrder(1L, 0L, 3L);
    assertThat(upstreams().status().channels().stream().map(ChannelRegistry.ChannelStatus::lane))
        .containsOnlyOnce(Lane.HIGH, Lane.BATCH);
  }

  @Test
  void beyondTheRoomCallsWaitAndAreThenRefused() throws Exception {
    open(
        options ->
            options.with(new UpstreamOptions.Limits(2, 1 << 20, 100, Duration.ofSeconds(1))));
    servers.forEach(ScriptedServer::hold);
    List<Sent> first = List.of(send(), send());
    Sent waiting = send();
    assertThat(upstreams().status().admitted().waiting()).isEqualTo(1);
    assertThat(waiting.fault()).isEqualTo(Fault.OVERLOADED);
    Sent next = send();
    servers.forEach(server -> server.script = ScriptedServer.ECHO);
    servers.forEach(server -> server.held.forEach(Runnable::run));
    assertThat(next.answer.get(20, TimeUnit.SECONDS)).isEqualTo(BYTES);
    allAreAnswered(first);
    var empty = new UpstreamStatus.Admitted(0, 0, 0, 1);
    until("all room is free again", () -> upstreams().status().admitted().equals(empty));
  }

  @Test
  void whoWouldWaitTooLongIsRefusedAtOnce() throws Exception {
    FakeTicker clock = new FakeTicker();
    open(
        options ->
            options.with(new UpstreamOptions.Limits(4, 1 << 20, 100, Duration.ofMillis(2500))),
        clock);
    servers.forEach(ScriptedServer::hold);
    List<Sent> sent = new ArrayList<>();
    for (int i = 0; i < 4 + 3; i++) {
      sent.add(send());
    }
    until("held", () -> servers.stream().mapToInt(server -> server.held.size()).sum() == 4);
    clock.advance(Duration.ofSeconds(1));
    servers.getFirst().held.remove().run();
    until("one left, in a second", () -> upstreams().status().admitted().waiting() == 2);
    sent.add(send());
    assertThat(upstreams().status().admitted().waiting()).isEqualTo(3);
    assertThat(send().fault()).isEqualTo(Fault.OVERLOADED);
    sent.add(send(call(MODEL, Lane.HIGH.priority(), Duration.ofSeconds(20))));
    assertThat(upstreams().status().admitted().waiting()).isEqualTo(4);
    until("held", () -> servers.stream().mapToInt(server -> server.held.size()).sum() == 4);
    servers.forEach(server -> server.script = ScriptedServer.ECHO);
    servers.forEach(server -> server.held.forEach(Runnable::run));
    allAreAnswered(sent);
  }

  @Test
  void someRoomIsForUrgentCallsAlone() throws Exception {
    open(
        options ->
            options.with(new UpstreamOptions.Limits(8, 1 << 20, 100, Duration.ofSeconds(20))));
    servers.forEach(ScriptedServer::hold);
    List<Sent> sent = new ArrayList<>();
    for (int i = 0; i < 7 + 2; i++) {
      sent.add(send());
    }
    assertThat(upstreams().status().admitted().calls()).isEqualTo(7);
    assertThat(upstreams().status().admitted().waiting()).isEqualTo(2);
    sent.add(send(call(MODEL, Lane.HIGH.priority(), Duration.ofSeconds(20))));
    assertThat(upstreams().status().admitted().calls()).isEqualTo(8);
    assertThat(upstreams().status().admitted().waiting()).isEqualTo(2);
    until("held", () -> servers.stream().mapToInt(server -> server.held.size()).sum() == 8);
    servers.forEach(server -> server.script = ScriptedServer.ECHO);
    servers.forEach(server -> server.held.forEach(Runnable::run));
    allAreAnswered(sent);
  }

  @Test
  void thoseThatWaitDoNotKeepAnUrgentCallOut() throws Exception {
    open(
        options ->
            options.with(new UpstreamOptions.Limits(2, 1 << 20, 100, Duration.ofSeconds(20))));
    servers.forEach(ScriptedServer::hold);
    List<Sent> sent = new ArrayList<>();
    for (int i = 0; i < 2 + 2; i++) {
      sent.add(send());
    }
    assertThat(send().fault()).isEqualTo(Fault.OVERLOADED);
    sent.add(send(call(MODEL, Lane.HIGH.priority(), Duration.ofSeconds(20))));
    assertThat(upstreams().status().admitted().waiting()).isEqualTo(3);
    until("held", () -> servers.stream().mapToInt(server -> server.held.size()).sum() == 2);
    servers.forEach(server -> server.script = ScriptedServer.ECHO);
    servers.forEach(server -> server.held.forEach(Runnable::run));
    allAreAnswered(sent);
  }

  @Test
  void oneModelCannotTakeAllTheRoom() throws Exception {
    open(
        options ->
            options.with(new UpstreamOptions.Limits(100, 1 << 20, 2, Duration.ofSeconds(1))));
    servers.forEach(ScriptedServer::hold);
    List<Sent> first = List.of(send(), send());
    assertThat(send().fault()).isEqualTo(Fault.OVERLOADED);
    assertThat(upstreams().status().admitted().refusals()).isEqualTo(1);
    Sent other = send(call("levels", 0, Duration.ofSeconds(20)));
    until("held", () -> servers.stream().mapToInt(server -> server.held.size()).sum() == 3);
    servers.forEach(server -> server.held.forEach(Runnable::run));
    allAreAnswered(first);
    assertThat(other.answer.get(20, TimeUnit.SECONDS)).isEqualTo(BYTES);
  }

  @Test
  void deadlinesAndWithdrawalsReachTheServer() throws Exception {
    open(options -> options);
    servers.forEach(ScriptedServer::hold);
    assertThat(send(call(MODEL, 0, Duration.ofMillis(200))).fault())
        .isEqualTo(Fault.DEADLINE_EXCEEDED);
    Sent withdrawn = send();
    withdrawn.request.cancel();
    assertThat(withdrawn.fault()).isEqualTo(Fault.CANCELLED);
    Sent late = send(call(MODEL, 0, Duration.ofMillis(-1)));
    assertThat(late.fault()).isEqualTo(Fault.DEADLINE_EXCEEDED);
    assertThat(servers.stream().mapToInt(server -> server.calls.get()).sum()).isLessThan(3);
  }

  @Test
  void withoutAnyServerTheReasonIsTold() throws Exception {
    for (ScriptedServer server : servers) {
      server.kill();
    }
    open(options -> options);
    assertThat(upstreams().isLive()).isFalse();
    Sent sent = send();
    assertThat(sent.fault()).isEqualTo(Fault.NOT_READY);
    assertThat(sent.answer)
        .failsWithin(Duration.ofSeconds(1))
        .withThrowableThat()
        .withMessageContaining(servers.get(0).endpoint() + " is unreachable");
    assertThat(upstreams().status().targets()).allMatch(target -> target.connections() == 0);
    servers.get(2).restart();
    until("back", () -> upstreams().isServing(MODEL));
    answered(3);
    assertThat(upstreams().status().targets())
        .extracting(UpstreamStatus.Target::connections)
        .containsExactly(0, 0, 1);
  }
}
