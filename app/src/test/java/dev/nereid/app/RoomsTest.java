package dev.nereid.app;

import static org.assertj.core.api.Assertions.assertThat;

import com.tngtech.archunit.ArchConfiguration;
import com.tngtech.archunit.core.domain.Dependency;
import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import com.tngtech.archunit.lang.syntax.ArchRuleDefinition;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** Holds the code to the table of rooms in ARCHITECTURE.md, and to the names of the house. */
final class RoomsTest {
  private static final String ROOT = "dev.nereid.";

  private static final Map<String, Set<String>> MAY_USE =
      Map.ofEntries(
          Map.entry("core", Set.of()),
          Map.entry("config", Set.of("core")),
          Map.entry("telemetry", Set.of("core")),
          Map.entry("access", Set.of("core", "telemetry")),
          Map.entry("tracing", Set.of("core", "telemetry")),
          Map.entry("image", Set.of("core")),
          Map.entry("backend", Set.of("core", "config")),
          Map.entry("backend.image", Set.of("core", "config", "backend", "image")),
          Map.entry("backend.onnx", Set.of("core", "config", "backend")),
          Map.entry("repository", Set.of("core", "config", "telemetry")),
          Map.entry("scheduler", Set.of("core", "config", "backend", "telemetry")),
          Map.entry(
              "engine",
              Set.of("core", "config", "telemetry", "backend", "repository", "scheduler")),
          Map.entry("protocol", Set.of("core", "config")),
          Map.entry("http", Set.of("core", "telemetry", "access")),
          Map.entry(
              "server",
              Set.of("core", "config", "telemetry", "access", "engine", "protocol", "http")),
          Map.entry("client", Set.of("core", "config", "protocol")),
          Map.entry(
              "gateway",
              Set.of("core", "config", "telemetry", "access", "image", "engine", "http", "client")),
          Map.entry(
              "bench", Set.of("core", "config", "image", "client", "backend", "backend.onnx")));

  private static final Set<String> WALL_CLOCKS =
      Set.of(
          "java.lang.System.currentTimeMillis",
          "java.time.Instant.now",
          "java.time.LocalDateTime.now",
          "java.time.ZonedDateTime.now",
          "java.time.Clock.systemUTC",
          "java.util.concurrent.locks.LockSupport.parkUntil");

  private static JavaClasses classes;

  @BeforeAll
  static void readClasses() {
    // Other people's classes are only named here, not looked into.
    ArchConfiguration.get().setResolveMissingDependenciesFromClassPath(false);
    classes =
        new ClassFileImporter()
            .withImportOption(new ImportOption.DoNotIncludeTests())
            .withImportOption(location -> !location.contains("-tests.jar"))
            // Generated code has names and habits of its own.
            .withImportOption(location -> !location.contains("/proto/"))
            .importPackages("dev.nereid");
  }

  @Test
  void everyRoomUsesOnlyTheRoomsItMay() {
    Set<String> trespasses = new TreeSet<>();
    for (JavaClass type : classes) {
      String from = room(type);
      for (Dependency dependency : type.getDirectDependenciesFromSelf()) {
        JavaClass target = dependency.getTargetClass().getBaseComponentType();
        String to = room(target);
        if (!to.isEmpty() && !from.equals(to) && !mayUse(from, to)) {
          trespasses.add(from + " uses " + to + ": " + dependency.getDescription());
        }
      }
    }
    assertThat(trespasses).isEmpty();
  }

  @Test
  void everyPackageBelongsToARoom() {
    assertThat(classes).isNotEmpty();
    assertThat(classes.stream().map(RoomsTest::room))
        .isSubsetOf(union(MAY_USE.keySet(), Set.of("app")));
  }

  @Test
  void theTableHasNoCircle() {
    Set<String> placed = new TreeSet<>();
    boolean moved = true;
    while (moved) {
      moved = false;
      for (var entry : MAY_USE.entrySet()) {
        moved |= placed.containsAll(entry.getValue()) && placed.add(entry.getKey());
      }
    }
    assertThat(placed).isEqualTo(new TreeSet<>(MAY_USE.keySet()));
  }

  @Test
  void namesSayWhatATypeIs() {
    ArchRuleDefinition.noClasses()
        .should()
        .haveSimpleNameEndingWith("Util")
        .orShould()
        .haveSimpleNameEndingWith("Utils")
        .orShould()
        .haveSimpleNameEndingWith("Manager")
        .orShould()
        .haveSimpleNameEndingWith("Helper")
        .orShould()
        .haveSimpleNameEndingWith("Impl")
        .check(classes);
  }

  @Test
  void nothingIsASingleton() {
    ArchRuleDefinition.noMethods().should().haveName("getInstance").check(classes);
  }

  @Test
  void onlyAppReadsTheProcessesSurroundings() {
    ArchRuleDefinition.noClasses()
        .that()
        .resideOutsideOfPackage("dev.nereid.app")
        .and()
        // These two tell what machine they are on, in a report and in a message.
        .doNotHaveFullyQualifiedName("dev.nereid.bench.Environment")
        .and()
        .doNotHaveFullyQualifiedName("dev.nereid.image.OpenCv")
        .should()
        .callMethod(System.class, "getProperty", String.class)
        .orShould()
        .callMethod(System.class, "getProperty", String.class, String.class)
        .orShould()
        .callMethod(System.class, "getenv", String.class)
        .orShould()
        .callMethod(System.class, "getenv")
        .check(classes);
  }

  /** Everything that waits or lasts is measured by a clock that nobody sets. */
  @Test
  void theWallClockIsAskedOnlyToTellTheTime() {
    Set<String> tellers =
        Set.of(
            "dev.nereid.gateway.PayloadSamples", // the names of samples
            "dev.nereid.http.AnswerReport", // stamps of the access log
            "dev.nereid.http.HttpDate",
            "dev.nereid.http.ListenerTls", // whether a certificate is valid
            "dev.nereid.scheduler.ExecutionStatistics", // last_inference
            "dev.nereid.server.GrpcCallLog",
            "dev.nereid.tracing.Tracing", // when spans began
            "dev.nereid.app.ServeCommand"); // how long the start took
    Set<String> asking = new TreeSet<>();
    for (JavaClass type : classes) {
      boolean asks =
          type.getMethodCallsFromSelf().stream()
              .anyMatch(
                  call ->
                      WALL_CLOCKS.contains(call.getTargetOwner().getName() + '.' + call.getName()));
      if (asks && !room(type).equals("bench")) {
        asking.add(type.getName());
      }
    }
    assertThat(asking).isSubsetOf(tellers);
  }

  private static boolean mayUse(String from, String to) {
    return from.equals("app") || MAY_USE.getOrDefault(from, Set.of()).contains(to);
  }

  /** The room with the longest name that the type's package begins with; empty for none. */
  private static String room(JavaClass type) {
    String packageName = type.getPackageName() + '.';
    if (packageName.startsWith(ROOT + "app.")) {
      return "app";
    }
    String found = "";
    for (String room : MAY_USE.keySet()) {
      if (packageName.startsWith(ROOT + room + '.') && room.length() > found.length()) {
        found = room;
      }
    }
    return found;
  }

  private static Set<String> union(Set<String> a, Set<String> b) {
    Set<String> all = new TreeSet<>(a);
    all.addAll(b);
    return all;
  }
}
