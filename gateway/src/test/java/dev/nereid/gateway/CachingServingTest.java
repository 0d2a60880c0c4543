package dev.nereid.gateway;

import static org.assertj.core.api.Assertions.assertThat;

import dev.nereid.client.Endpoint;
import dev.nereid.client.UpstreamStatus;
import dev.nereid.config.proto.ModelConfig;
import dev.nereid.core.DataType;
import dev.nereid.core.Failure;
import dev.nereid.core.Fault;
import dev.nereid.core.InferRequest;
import dev.nereid.core.InferResponse;
import dev.nereid.core.Lease;
import dev.nereid.core.MemoryPool;
import dev.nereid.core.Reply;
import dev.nereid.core.RequestedOutput;
import dev.nereid.core.Shape;
import dev.nereid.core.Tensor;
import dev.nereid.core.Ticker;
import dev.nereid.core.Timings;
import dev.nereid.engine.IndexEntry;
import dev.nereid.telemetry.Metrics;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.SortedMap;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Equal requests side by side, over runs that end when the test says so. */
final class CachingServingTest {
  private final MemoryPool memory = new MemoryPool(MemoryPool.Limits.DEFAULT);
  private final Held held = new Held(memory);
  private final CachingServing serving =
      new CachingServing(
          held,
          ResultCache.open(ResultCacheOptions.DEFAULT, new Metrics(), Ticker.system()),
          Runnable::run);

  /** Holds what it is to run. */
  private static final class Held implements Serving {
    final Deque<InferRequest> runs = new ArrayDeque<>();
    private final MemoryPool memory;
    long load = 1;

    Held(MemoryPool memory) {
      this.memory = memory;
    }

    void answer(int value) {
      InferRequest run = runs.remove();
      Lease block = memory.copyOf(new byte[] {(byte) value});
      Tensor output = new Tensor("embedding", DataType.INT8, Shape.of(1), block, 0, 1);
      run.respond(
          new InferResponse(
              "m", 1, run.call().id(), Map.of(), List.of(output), List.of(block), Timings.NONE));
    }

    @Override
    public void inferAll(List<InferRequest> requests) {
      runs.addAll(requests);
    }

    @Override
    public Identity identity(String model, long version) {
      return new Identity(List.of(load), List.of("content"));
    }

    @Override
    public String instead(String model) {
      return model;
    }

    @Override
    public @Nullable String standIn(String model) {
      return null;
    }

    @Override
    public ModelConfig config(String model, long version) {
      return ModelConfig.getDefaultInstance();
    }

    @Override
    public List<String> labels(String model, long version, String output) {
      return List.of();
    }

    @Override
    public Serving on(@Nullable Endpoint upstream) {
      return this;
    }

    @Override
    public List<IndexEntry> index() {
      return List.of();
    }

    @Override
    public boolean loadsOnRequest() {
      return false;
    }

    @Override
    public void load(String model) {
      throw new AssertionError("nobody asked for '" + model + "' to be loaded");
    }

    @Override
    public void unload(String model, boolean dependents) {
      throw new AssertionError("nobody asked for '" + model + "' to be unloaded");
    }

    @Override
    public Health health() {
      return Health.GOOD;
    }

    @Override
    public @Nullable UpstreamStatus upstreams() {
      return null;
    }

    @Override
    public SortedMap<Long, Long> batches() {
      return new TreeMap<>();
    }

    @Override
    public MemoryPool memory() {
      return memory;
    }

    @Override
    public Ticker ticker() {
      return Ticker.system();
    }
  }

  /** What became of one request. */
  private static final class Told implements Reply {
    final List<String> words = new ArrayList<>();

    @Override
    public void respond(InferResponse response) {
      try (response) {
        words.add(
            response.output("embedding").bytes().get() + " " + response.parameters().values());
      }
    }

    @Override
    public void fail(Failure failure) {
      words.add(failure.fault().name());
    }
  }

  private record Asked(InferRequest request, Told told) {
    String word() {
      assertThat(told.words).hasSize(1);
      return told.words.getFirst();
    }
  }

  private Asked ask(String picture) {
    return ask(picture, Long.MAX_VALUE);
  }

  private Asked ask(String picture, long deadlineNanos) {
    Lease block = memory.copyOf(picture.getBytes(java.nio.charset.StandardCharsets.UTF_8));
    Tensor input = new Tensor("image", DataType.BYTES, Shape.of(1), block, 0, picture.length());
    var call =
        new InferRequest.Call(
            "m",
            -1,
            "",
            Map.of(),
            List.of(new RequestedOutput("embedding", 0)),
            0,
            0,
            0,
            deadlineNanos);
    Told told = new Told();
    Asked asked = new Asked(new InferRequest(call, List.of(input), List.of(block), told), told);
    serving.inferAll(List.of(asked.request()));
    return asked;
  }

  @AfterEach
  void nothingIsForgotten() {
    assertThat(held.runs).isEmpty();
    assertThat(memory.openLeases()).isZero();
  }

  @Test
  void equalRequestsShareOneRun() {
    Asked first = ask("a");
    Asked second = ask("a");
    Asked other = ask("b");
    assertThat(held.runs).hasSize(2);
    held.answer(7);
    held.answer(8);
    assertThat(first.word()).isEqualTo("7 [miss]");
    assertThat(second.word()).isEqualTo("7 [joined]");
    assertThat(other.word()).isEqualTo("8 [miss]");
    assertThat(ask("a").word()).isEqualTo("7 [hit]");
  }

  @Test
  void aFailureGoesToAllAndIsNotKept() {
    Asked first = ask("a");
    Asked second = ask("a");
    held.runs.remove().fail(Fault.BACKEND_FAILED.with("no"));
    assertThat(first.word()).isEqualTo("BACKEND_FAILED");
    assertThat(second.word()).isEqualTo("BACKEND_FAILED");
    Asked third = ask("a");
    held.answer(1);
    assertThat(third.word()).isEqualTo("1 [miss]");
  }

  @Test
  void whoLeavesDoesNotTakeTheOthersAlong() {
    Asked first = ask("a");
    Asked gone = ask("a");
    Asked last = ask("a");
    first.request().cancel();
    gone.request().cancel();
    assertThat(held.runs.element().isCancelled()).isFalse();
    held.runs.remove().fail(Fault.CANCELLED.with("first left"));
    assertThat(first.word()).isEqualTo("CANCELLED");
    assertThat(gone.word()).isEqualTo("CANCELLED");
    held.answer(3);
    assertThat(last.word()).isEqualTo("3 [miss]");
  }

  @Test
  void whoeverWaitsForAnothersRunIsToldAtItsOwnDeadline() {
    long now = Ticker.system().nanos();
    Asked leader = ask("a", now);
    Asked late = ask("a", now + 1);
    Asked gone = ask("a");
    Asked patient = ask("a", Long.MAX_VALUE);
    gone.request().cancel();
    serving.sweep();
    assertThat(late.word()).isEqualTo("DEADLINE_EXCEEDED");
    assertThat(gone.word()).isEqualTo("CANCELLED");
    assertThat(patient.told().words).isEmpty();
    held.runs.remove().fail(Fault.DEADLINE_EXCEEDED.with("late"));
    assertThat(leader.word()).isEqualTo("DEADLINE_EXCEEDED");
    held.answer(4);
    assertThat(patient.word()).isEqualTo("4 [miss]");
  }

  @Test
  void whoeverLeavesIsNotToldOfTheLeadersTrouble() {
    Asked leader = ask("a", Ticker.system().nanos());
    Asked gone = ask("a");
    gone.request().cancel();
    held.runs.remove().fail(Fault.DEADLINE_EXCEEDED.with("late"));
    assertThat(leader.word()).isEqualTo("DEADLINE_EXCEEDED");
    assertThat(gone.word()).isEqualTo("CANCELLED");
  }

  @Test
  void whenAllHaveLeftTheRunIsWithdrawn() {
    Asked first = ask("a");
    Asked second = ask("a");
    first.request().cancel();
    second.request().cancel();
    assertThat(held.runs.element().isCancelled()).isTrue();
    held.runs.remove().fail(Fault.CANCELLED.with("all left"));
    assertThat(second.word()).isEqualTo("CANCELLED");
  }

  @Test
  void whoHasLessTimeRunsAlone() {
    long now = Ticker.system().nanos();
    Asked patient = ask("a", now + 2_000_000_000_000L);
    Asked hasty = ask("a", now + 1_000_000_000_000L);
    assertThat(held.runs).hasSize(2);
    held.answer(1);
    held.answer(2);
    assertThat(patient.word()).isEqualTo("1 [miss]");
    assertThat(hasty.word()).startsWith("2 ");
  }

  @Test
  void aReloadMakesOtherRequestsOfThem() {
    Asked before = ask("a");
    held.load = 2;
    Asked after = ask("a");
    assertThat(held.runs).hasSize(2);
    held.answer(1); // by the new load or the old one: not kept
    held.answer(2);
    assertThat(before.word()).isEqualTo("1 [miss]");
    assertThat(after.word()).isEqualTo("2 [miss]");
    assertThat(ask("a").word()).isEqualTo("2 [hit]");
    held.load = 1;
    Asked old = ask("a");
    held.answer(3);
    assertThat(old.word()).isEqualTo("3 [miss]");
  }

  @Test
  void whatIsDamagedIsNoResult() {
    Lease block = memory.copyOf(new byte[] {1, 2, 3, 4, 5, 6, 7, 8});
    Tensor output = new Tensor("embedding", DataType.FP32, Shape.of(1, 2), block, 0, 8);
    InferResponse response =
        new InferResponse("m", 3, "", Map.of(), List.of(output), List.of(block), Timings.NONE);
    byte[] written = KeptResult.write(response);
    response.close();
    var call = InferRequest.Call.of("m", 0);
    try (InferResponse read =
        Objects.requireNonNull(KeptResult.read(written, call, ResultSource.HIT, memory))) {
      assertThat(read.version()).isEqualTo(3);
      assertThat(read.output("embedding").shape()).isEqualTo(Shape.of(1, 2));
      assertThat(read.output("embedding").bytes().getLong()).isEqualTo(0x0807060504030201L);
    }
    Random random = new Random(1);
    for (int i = 0; i < 2000; i++) {
      byte[] damaged = java.util.Arrays.copyOf(written, random.nextInt(written.length + 4));
      if (damaged.length > 0) {
        damaged[random.nextInt(damaged.length)] ^= (byte) (1 << random.nextInt(8));
      }
      InferResponse read = KeptResult.read(damaged, call, ResultSource.HIT, memory);
      if (read != null) {
        read.close();
      }
    }
  }
}
