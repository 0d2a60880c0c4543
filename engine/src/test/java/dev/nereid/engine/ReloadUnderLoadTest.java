package dev.nereid.engine;

import static org.assertj.core.api.Assertions.assertThat;

import dev.nereid.backend.TestTensors;
import dev.nereid.core.FaultException;
import dev.nereid.core.InferResponse;
import java.nio.file.Files;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Models are replaced as fast as that goes while requests come as fast as they can. */
@Timeout(120)
final class ReloadUnderLoadTest extends EngineFixture {
  private static final int SENDERS = 4;

  private final AtomicBoolean ended = new AtomicBoolean();
  private final AtomicInteger answered = new AtomicInteger();
  private final ConcurrentLinkedQueue<Throwable> wrong = new ConcurrentLinkedQueue<>();

  private List<Thread> send(Engine engine, String... names) {
    return IntStream.range(0, SENDERS)
        .mapToObj(
            i ->
                Thread.ofPlatform()
                    .start(
                        () -> {
                          while (!ended.get()) {
                            ask(engine, names[i % names.length]);
                          }
                        }))
        .toList();
  }

  private void ask(Engine engine, String model) {
    try {
      boolean chain = model.startsWith("chain");
      try (InferResponse response = infer(engine, model, -1, chain ? "IN" : "INPUT0").response()) {
        assertThat(TestTensors.floatsOf(response.output(chain ? "OUT" : "OUTPUT0")))
            .containsExactly(3, 4);
        answered.incrementAndGet();
      }
    } catch (RuntimeException | AssertionError e) {
      wrong.add(e);
    }
  }

  private void end(List<Thread> senders) throws InterruptedException {
    ended.set(true);
    for (Thread sender : senders) {
      sender.join();
    }
    assertThat(wrong).isEmpty();
    assertThat(answered.get()).isPositive();
  }

  @Test
  void reloadsAndVersionChangesLoseNoRequest() throws Exception {
    models.identity("a", 2, "").identity("b", 2, "").chain("chain", "a", "b");
    Engine engine = explicit("chain");
    List<Thread> senders = send(engine, "a", "chain", "b", "chain");
    for (int i = 0; i < 50; i++) {
      models.identity(
          i % 2 == 0 ? "a" : "b", 2, "version_policy { latest { num_versions: 1 } } #" + i);
      models.identity(i % 2 == 0 ? "b" : "a", 2, i % 4 < 2 ? "dynamic_batching {}" : "");
      engine.load("a", LoadParameters.NONE);
      engine.load("b", LoadParameters.NONE);
    }
    for (int i = 2; i < 22; i++) {
      Files.createDirectories(root.resolve("a/" + i));
      engine.load("a", LoadParameters.NONE);
      assertThat(engine.versions("a", -1)).containsExactly((long) i);
    }
    end(senders);
    assertThat(engine.isReady()).isTrue();
  }

  @Test
  void twoClientsThatLoadAndUnloadTheSameModelsEndInARightState() throws Exception {
    models.identity("steady", 2, "").identity("a", 2, "").identity("b", 2, "");
    models
        .chain("chain", "a", "b")
        .chain("chain2", "chain_step", "b")
        .identity("chain_step", 2, "");
    Engine engine = explicit("steady");
    List<Thread> senders = send(engine, "steady");
    List<Thread> clients =
        IntStream.range(0, 2)
            .mapToObj(_ -> Thread.ofPlatform().start(() -> fumble(engine)))
            .toList();
    for (Thread client : clients) {
      assertThat(client.join(Duration.ofSeconds(60))).as("no hang").isTrue();
    }
    for (String model : List.of("a", "b", "chain", "chain2", "chain_step")) {
      engine.load(model, LoadParameters.NONE);
      assertThat(states(engine, model)).containsExactly("1 READY");
    }
    ask(engine, "chain");
    for (String model : List.of("chain", "chain2", "chain_step", "a", "b")) {
      engine.unload(model, true);
      awaitState(engine, model, "1 UNAVAILABLE");
      assertThat(reason(engine, model)).isEqualTo("unloaded");
    }
    end(senders);
    assertThat(engine.isReady()).isTrue();
  }

  /** Loads and unloads at random for a while; a load may find a step gone, and says so. */
  private void fumble(Engine engine) {
    ThreadLocalRandom random = ThreadLocalRandom.current();
    List<String> names = List.of("a", "b", "chain", "chain2", "chain_step");
    long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(3);
    while (System.nanoTime() < end) {
      String name = names.get(random.nextInt(names.size()));
      try {
        if (random.nextBoolean()) {
          engine.load(name, LoadParameters.NONE);
        } else {
          engine.unload(name, random.nextBoolean());
        }
      } catch (FaultException e) {
        if (!e.failure().message().contains("which has no loaded version")) {
          wrong.add(e);
        }
      }
    }
  }
}
