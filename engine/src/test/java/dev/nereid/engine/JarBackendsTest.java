package dev.nereid.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.nereid.backend.ModelFiles;
import dev.nereid.backend.RecordingReply;
import dev.nereid.backend.TestTensors;
import dev.nereid.core.InferRequest;
import dev.nereid.core.MemoryPool;
import dev.nereid.core.Shape;
import dev.nereid.core.Tensor;
import dev.nereid.telemetry.Metrics;
import java.lang.ref.WeakReference;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Back ends that come in jars, compiled when the test runs. */
final class JarBackendsTest {
  private static final Path EXAMPLE = Path.of("..", "examples", "java-backend");

  /** Under this name a probe leaves a weak hold on its class loader. */
  private static final String PROBE = "nereid.test.probe";

  /** A back end that gives its input back and tells how it was called. */
  private static final String PROBE_SOURCE =
      """
      package probe;

      import dev.nereid.backend.*;
      import java.lang.ref.WeakReference;
      import java.util.List;

      public final class Probe implements BackendProvider {
        public String name() {
          return "probe";
        }

        public Model open(ModelContext context) {
          ClassLoader own = Probe.class.getClassLoader();
          System.getProperties().put("%s", new WeakReference<>(own));
          String caller = Thread.currentThread().getContextClassLoader() == own ? "own" : "other";
          return new Model() {
            public Instance newInstance(Placement placement) {
              return batch -> {
                if (Thread.currentThread().getContextClassLoader() != own) {
                  throw new IllegalStateException("another class loader");
                }
                for (int i = 0; i < batch.requests().size(); i++) {
                  var input = batch.required(i, "INPUT0");
                  var share = input.lease().share();
                  batch.respond(i, List.of(input.in(share).renamed("OUTPUT0")), List.of(share));
                }
              };
            }

            public String summary() {
              return caller + " loader, " + dev.nereid.engine.ModelFolder.who();
            }

            public void close() {}
          };
        }
      }
      """
          .formatted(PROBE);

  /** Has the name of a class of the server's class path, and is another. */
  private static final String SHADOW_SOURCE =
      """
      package dev.nereid.engine;

      public final class ModelFolder {
        public static String who() {
          return "own classes";
        }
      }
      """;

  @TempDir Path root;
  @TempDir Path work;
  private ModelFolder models;
  private JarMaker jars;

  @BeforeEach
  void aRepository() {
    models = new ModelFolder(root);
    jars = new JarMaker(work);
  }

  private void probe(Path jar) {
    jars.jar(
        jar,
        "probe.Probe",
        List.of(
            jars.written("probe.Probe", PROBE_SOURCE),
            jars.written("dev.nereid.engine.ModelFolder", SHADOW_SOURCE)));
  }

  private Engine open(Path... backendDirectories) {
    EngineOptions usual = EngineOptions.of(root);
    Engine engine =
        Engine.open(
            new EngineOptions(
                usual.repositories(),
                "",
                true,
                true,
                2,
                Map.of(),
                EngineOptions.GpuUnavailable.REFUSE,
                1,
                MemoryPool.Limits.DEFAULT,
                new EngineOptions.Shared(0, false, List.of(), List.of(backendDirectories)),
                EngineOptions.Control.NONE),
            new Metrics());
    engine.started().orTimeout(20, TimeUnit.SECONDS).join();
    return engine;
  }

  private static float[] ask(Engine engine, String model, String input, float... values) {
    Tensor tensor =
        new TestTensors(engine.memory()).floats(input, Shape.of(1, values.length), values);
    try (var reply = new RecordingReply()) {
      engine.infer(TestTensors.request(InferRequest.Call.of(model, 0), reply, tensor));
      return TestTensors.floatsOf(reply.response().outputs().getFirst());
    }
  }

  private static IndexEntry entry(Engine engine, String model) {
    Optional<IndexEntry> found =
        engine.index().stream().filter(entry -> entry.model().equals(model)).findFirst();
    return found.orElseThrow();
  }

  private static long copies() throws Exception {
    try (Stream<Path> files = Files.list(Path.of(System.getProperty("java.io.tmpdir")))) {
      return files
          .filter(file -> file.getFileName().toString().startsWith(JarBackends.PREFIX))
          .count();
    }
  }

  @Test
  void theExampleIsServedFromAJarBesideItsModel() throws Exception {
    Path model = EXAMPLE.resolve("models").resolve("calibrated");
    models.model("calibrated", Files.readString(model.resolve("config.pbtxt")));
    Path source = EXAMPLE.resolve("src/main/java/com/example/calibrate/CalibrateProvider.java");
    jars.jar(
        root.resolve("calibrated/1/model.jar"),
        "com.example.calibrate.CalibrateProvider",
        List.of(source));
    try (Engine engine = open()) {
      assertThat(ask(engine, "calibrated", "SCORES", -1, 0.25f, 2))
          .usingComparatorWithPrecision(0.0001f)
          .containsExactly(0.0759f, 0.5f, 0.9707f);
      assertThat(entry(engine, "calibrated").summary()).contains("calibrate, scale 2.0");
    }
  }

  @Test
  void aJarHasItsOwnClassesWhichGoWithTheModel() throws Exception {
    models.identity("own", 2, "").identity("other", 2, "");
    models.model(
        "own", Files.readString(root.resolve("own/config.pbtxt")).replace("identity", "probe"));
    probe(root.resolve("own/1/any-name.jar"));
    try (Engine engine = open()) {
      assertThat(ask(engine, "own", "INPUT0", 1, 2)).containsExactly(1, 2);
      assertThat(ask(engine, "other", "INPUT0", 1, 2)).containsExactly(1, 2);
      assertThat(entry(engine, "own").summary()).isEqualTo("own loader, own classes");
      Files.writeString(root.resolve("own/1/any-name.jar"), "overwritten");
      assertThat(ask(engine, "own", "INPUT0", 3, 4)).containsExactly(3, 4);
    }
    var loader = (WeakReference<?>) Objects.requireNonNull(System.getProperties().remove(PROBE));
    long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(20);
    while (loader.get() != null && System.nanoTime() < end) {
      System.gc();
    }
    assertThat(loader.get()).as("the class loader of an unloaded model").isNull();
  }

  @Test
  void aDirectoryOfBackEndsServesEveryModel() throws Exception {
    Path directory = Files.createDirectories(work.resolve("plugs/probe"));
    probe(directory.resolve("probe-1.0.jar"));
    long before = copies();
    for (String name : List.of("a", "b")) {
      models.identity(name, 2, "");
      models.model(
          name,
          Files.readString(root.resolve(name).resolve("config.pbtxt"))
              .replace("identity", "probe"));
    }
    models.model("outside", "backend: \"../plugs/probe\" max_batch_size: 1");
    try (Engine engine = open(work.resolve("none"), work.resolve("plugs"))) {
      assertThat(ask(engine, "a", "INPUT0", 1, 2)).containsExactly(1, 2);
      assertThat(ask(engine, "b", "INPUT0", 1, 2)).containsExactly(1, 2);
      assertThat(copies()).isEqualTo(before + 1);
      assertThat(entry(engine, "outside").reason()).contains("unable to find backend library");
    }
    assertThat(copies()).as("copies of jars left").isEqualTo(before);
  }

  @Test
  void aJarOutsideOfTheRepositoriesIsNotOpened() throws Exception {
    Path model = work.resolve("sent");
    Files.createDirectories(model.resolve("1"));
    probe(work.resolve("sent/1/model.jar"));
    ModelFiles files = new ModelFiles(model, model.resolve("1"));
    try (Backends backends = Backends.found(List.of(), List.of(root))) {
      assertThatThrownBy(() -> backends.require("probe", files))
          .hasMessageContaining("unable to find backend library");
    }
    try (Backends backends = Backends.found(List.of(), List.of(work))) {
      Backends.giveUp(backends.require("probe", files));
    }
  }

  @Test
  void whatIsWrongWithAJarIsToldAndNothingIsLeft() throws Exception {
    long before = copies();
    for (String name : List.of("broken", "empty", "ghost", "two", "refuses")) {
      models.model(name, "backend: \"java\" max_batch_size: 1");
    }
    Files.writeString(root.resolve("broken/1/model.jar"), "no jar at all");
    jars.jar(root.resolve("empty/1/model.jar"), "", List.of(jars.written("X", "class X {}")));
    jars.jar(root.resolve("ghost/1/model.jar"), "not.There", "package not; class There0 {}");
    Path first = jars.written("probe.Probe", PROBE_SOURCE);
    Path shadow = jars.written("dev.nereid.engine.ModelFolder", SHADOW_SOURCE);
    Path second =
        jars.written(
            "probe.Again",
            PROBE_SOURCE
                .replace("class Probe", "class Again")
                .replace("Probe.class", "Again.class"));
    jars.jar(
        root.resolve("two/1/model.jar"),
        "probe.Probe\nprobe.Again",
        List.of(first, second, shadow));
    jars.jar(
        root.resolve("refuses/1/model.jar"),
        "bad.Refuses",
        """
        package bad;

        import dev.nereid.backend.*;

        public final class Refuses implements BackendProvider {
          public String name() {
            return "refuses";
          }

          public Model open(ModelContext context) {
            throw new IllegalStateException("will not");
          }
        }
        """);
    models.model("missing", "backend: \"nowhere\" max_batch_size: 1");
    try (Engine engine = open()) {
      assertThat(entry(engine, "broken").reason()).contains("model.jar").contains("ZipException");
      assertThat(entry(engine, "empty").reason()).contains("[] (expected: one");
      assertThat(entry(engine, "ghost").reason()).contains("model.jar").contains("not.There");
      assertThat(entry(engine, "two").reason()).contains("[probe, probe] (expected: one");
      assertThat(entry(engine, "refuses").reason()).contains("will not");
      assertThat(entry(engine, "missing").reason()).contains("or a jar in");
      assertThat(copies()).as("copies of jars left").isEqualTo(before);
    }
  }
}
