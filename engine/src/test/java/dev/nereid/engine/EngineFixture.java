package dev.nereid.engine;

import static org.assertj.core.api.Assertions.assertThat;

import dev.nereid.backend.RecordingReply;
import dev.nereid.backend.TestTensors;
import dev.nereid.core.FaultException;
import dev.nereid.core.InferRequest;
import dev.nereid.core.MemoryPool;
import dev.nereid.core.Shape;
import dev.nereid.core.Tensor;
import dev.nereid.core.Ticker;
import dev.nereid.engine.EngineOptions.Control;
import dev.nereid.engine.EngineOptions.ControlMode;
import dev.nereid.telemetry.Metrics;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.io.TempDir;

/** Engines over a repository that each test writes; nothing is left open at the end. */
abstract class EngineFixture {
  @TempDir Path root;

  @SuppressWarnings("NullAway.Init")
  ModelFolder models;

  final Metrics metrics = new Metrics();
  private final ConcurrentLinkedQueue<RecordingReply> replies = new ConcurrentLinkedQueue<>();
  private final ConcurrentLinkedQueue<Engine> engines = new ConcurrentLinkedQueue<>();

  @BeforeEach
  void aRepository() {
    models = new ModelFolder(root);
  }

  @AfterEach
  void everythingIsGivenBack() {
    replies.forEach(RecordingReply::close);
    for (Engine engine : engines) {
      MemoryPool pool = engine.memory();
      engine.close();
      await("leases given back", () -> pool.openLeases() == 0);
    }
  }

  Engine open(EngineOptions options) {
    return open(options, Ticker.system());
  }

  LocalEngine open(EngineOptions options, Ticker ticker) {
    LocalEngine engine = LocalEngine.open(options, metrics, ticker);
    engines.add(engine);
    engine.started().orTimeout(20, TimeUnit.SECONDS).join();
    return engine;
  }

  Engine open() {
    return open(EngineOptions.of(root));
  }

  /** An engine that loads on request, and these at the start. */
  Engine explicit(String... names) {
    return open(EngineOptions.of(root).with(Control.of(ControlMode.EXPLICIT, names)));
  }

  RecordingReply infer(Engine engine, String model, long version, String input) {
    return infer(engine, model, version, input, Map.of());
  }

  RecordingReply infer(
      Engine engine, String model, long version, String input, Map<String, Object> parameters) {
    Tensor tensor = new TestTensors(engine.memory()).floats(input, Shape.of(1, 2), 3, 4);
    var reply = new RecordingReply();
    replies.add(reply);
    var call =
        new InferRequest.Call(model, version, "", parameters, List.of(), 0, 0, 0, Long.MAX_VALUE);
    engine.infer(new InferRequest(call, List.of(tensor), List.of(tensor.lease()), reply));
    return reply;
  }

  /** The versions of a model and their states: {@code 1 READY}. */
  static List<String> states(Engine engine, String model) {
    return engine.index().stream()
        .filter(entry -> entry.model().equals(model))
        .map(entry -> entry.version() + " " + entry.state())
        .toList();
  }

  static String reason(Engine engine, String model) {
    return engine.index().stream()
        .filter(entry -> entry.model().equals(model))
        .findFirst()
        .orElseThrow()
        .reason();
  }

  static void awaitState(Engine engine, String model, String... states) {
    await(model, () -> states(engine, model).equals(List.of(states)));
  }

  static void await(String what, BooleanSupplier condition) {
    long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(20);
    while (!condition.getAsBoolean()) {
      assertThat(System.nanoTime()).as(what).isLessThan(end);
      LockSupport.parkNanos(1_000_000);
    }
  }

  /** What a call is refused with. */
  static FaultException refusal(ThrowingCallable call) {
    try {
      call.call();
    } catch (FaultException e) {
      return e;
    } catch (Throwable e) {
      throw new AssertionError("a fault was expected", e);
    }
    throw new AssertionError("a fault was expected");
  }

  void write(String path, String content) {
    try {
      Path file = root.resolve(path);
      Path parent = file.getParent();
      if (parent != null) {
        Files.createDirectories(parent);
      }
      Files.writeString(file, content);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  void delete(String path) {
    try (var tree = Files.walk(root.resolve(path))) {
      for (Path each : tree.sorted(Comparator.reverseOrder()).toList()) {
        Files.delete(each);
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
