package dev.nereid.client;

import static org.assertj.core.api.Assertions.assertThat;

import dev.nereid.protocol.proto.GRPCInferenceServiceGrpc;
import dev.nereid.protocol.proto.ModelInferRequest;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** One name that stands for several addresses, as a headless service does. */
@Timeout(60)
final class ChannelRegistryTest {
  private static final Endpoint FLEET = new Endpoint("fleet.test", 8001);
  private static final Duration SELDOM = Duration.ofHours(1);
  private static final int IN_A_ROW = 30;

  private final EventLoops loops = EventLoops.of(2);
  private final Names names = new Names(FLEET);
  private final List<ScriptedServer> servers = new ArrayList<>();
  private @Nullable ChannelRegistry registry;

  @AfterEach
  void stop() {
    if (registry != null) {
      registry.close();
    }
    servers.forEach(ScriptedServer::close);
    names.close();
    loops.close();
  }

  private ChannelRegistry open(Duration resolvePause) {
    registry = new ChannelRegistry(loops, resolvePause);
    return registry;
  }

  private static ChannelRegistry.Shared fleet(ChannelRegistry registry) {
    return registry.share(new ChannelRegistry.Key(FLEET, Lane.NORMAL, 0, ChannelOptions.DEFAULT));
  }

  private void serve(int count) throws IOException {
    for (int i = 0; i < count; i++) {
      servers.add(new ScriptedServer("m"));
    }
  }

  private void name(int... chosen) {
    Endpoint[] addresses = new Endpoint[chosen.length];
    for (int i = 0; i < chosen.length; i++) {
      addresses[i] = servers.get(chosen[i]).endpoint();
    }
    names.stand(addresses);
  }

  private static Status.Code call(ChannelRegistry.Shared shared) {
    try {
      var _ =
          GRPCInferenceServiceGrpc.newBlockingStub(shared.channel())
              .withDeadlineAfter(10, TimeUnit.SECONDS)
              .modelInfer(ModelInferRequest.newBuilder().setModelName("m").build());
      return Status.Code.OK;
    } catch (StatusRuntimeException e) {
      return e.getStatus().getCode();
    }
  }

  private int calls(int server) {
    return servers.get(server).calls.get();
  }

  /** Calls until so many in a row went to these servers only, and to each of them. */
  private void callUntilOnly(ChannelRegistry.Shared shared, int... chosen) {
    List<Integer> wanted = Arrays.stream(chosen).boxed().toList();
    long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(30);
    List<Integer> asked = List.of();
    while (!asked.equals(wanted)) {
      assertThat(System.nanoTime())
          .as("time until %s are asked, not %s", wanted, asked)
          .isLessThan(end);
      List<Integer> before = counts();
      for (int i = 0; i < IN_A_ROW; i++) {
        call(shared);
      }
      List<Integer> after = counts();
      asked = new ArrayList<>();
      for (int i = 0; i < servers.size(); i++) {
        if (after.get(i) > before.get(i)) {
          asked.add(i);
        }
      }
      LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(20));
    }
  }

  private List<Integer> counts() {
    return servers.stream().map(server -> server.calls.get()).toList();
  }

  @Test
  void callsAreSpreadOverTheAddressesOfAName() throws Exception {
    serve(3);
    name(0, 1, 2);
    ChannelRegistry opened = open(SELDOM);
    var shared = fleet(opened);
    callUntilOnly(shared, 0, 1, 2);
    List<Integer> before = counts();
    for (int i = 0; i < 300; i++) {
      assertThat(call(shared)).isEqualTo(Status.Code.OK);
    }
    for (int i = 0; i < 3; i++) {
      assertThat(calls(i) - before.get(i)).isBetween(99, 101);
    }
    assertThat(opened.channels())
        .singleElement()
        .satisfies(
            channel -> {
              assertThat(channel.connections()).isEqualTo(3);
              assertThat(channel.state()).isEqualTo("READY");
            });
  }

  @Test
  void anAddressThatFailsMoreOftenThanTheOthersIsLeftOut() throws Exception {
    serve(3);
    name(0, 1, 2);
    servers.get(1).script = ScriptedServer.failing(Status.INTERNAL, null);
    var shared = fleet(open(SELDOM));
    callUntilOnly(shared, 0, 1, 2);
    callUntilOnly(shared, 0, 2);
    for (int i = 0; i < IN_A_ROW; i++) {
      assertThat(call(shared)).isEqualTo(Status.Code.OK);
    }
  }

  @Test
  void theNameIsAskedAgainWhenAConnectionEnds() throws Exception {
    serve(3);
    name(0, 1);
    var shared = fleet(open(SELDOM));
    callUntilOnly(shared, 0, 1);
    name(1, 2);
    assertThat(names.questions).hasValue(1);
    servers.get(0).kill();
    callUntilOnly(shared, 1, 2);
    assertThat(names.questions.get()).isGreaterThan(1);
  }

  @Test
  void newAddressesAreFoundThoughNoConnectionEnds() throws Exception {
    serve(3);
    name(0, 1);
    var shared = fleet(open(Duration.ofMillis(20)));
    callUntilOnly(shared, 0, 1);
    name(0, 1, 2);
    callUntilOnly(shared, 0, 1, 2);
    name(1, 2);
    callUntilOnly(shared, 1, 2);
    assertThat(servers).allMatch(ScriptedServer::isUp);
  }
}
