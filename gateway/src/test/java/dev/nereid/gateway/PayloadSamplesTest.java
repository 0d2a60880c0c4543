package dev.nereid.gateway;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.nereid.core.FaultException;
import dev.nereid.telemetry.Meter;
import dev.nereid.telemetry.Metrics;
import io.netty.buffer.Unpooled;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** A share of what clients send, in a folder. */
@Timeout(120)
final class PayloadSamplesTest {
  private static final JsonMapper JSON = new JsonMapper();
  private static final SampleFolder.About ABOUT =
      new SampleFolder.About(Instant.EPOCH, "/detect", "", "");

  @TempDir Path temporary;

  private Path folder() {
    return temporary.resolve("a/b");
  }

  private GatewayOptions options(double rate, long maxBytes) {
    return RunningGateway.options().sampling(new PayloadSampleOptions(folder(), rate, maxBytes));
  }

  private List<Path> files(String end) throws IOException {
    try (Stream<Path> files = Files.list(folder())) {
      return files.filter(file -> file.toString().endsWith(end)).sorted().toList();
    }
  }

  private static JsonNode json(Path file) throws IOException {
    return JSON.readTree(Files.readString(file));
  }

  private static long count(RunningGateway running, String outcome) {
    return running.metrics.counter(Meter.SAMPLES, outcome).total();
  }

  @Test
  void aRequestLiesThereWithItsPictureAndItsAnswer() throws Exception {
    byte[] picture = RunningGateway.sample("scene.jpg");
    JsonNode answer;
    try (RunningGateway running = new RunningGateway(options(1, 1 << 30))) {
      answer = running.post("/detect", "image/jpeg", picture, "x-request-id", "seven").json();
    }
    Path told = files(".json").getFirst();
    JsonNode json = json(told);
    assertThat(json.get("answer")).isEqualTo(answer);
    assertThat(json.get("status").asInt()).isEqualTo(200);
    assertThat(json.get("path").asString()).isEqualTo("/detect");
    assertThat(json.get("id").asString()).isEqualTo("seven");
    Path kept = folder().resolve(json.get("pictures").get(0).asString());
    assertThat(kept).hasBinaryContent(picture);
    assertThat(kept.getFileName().toString())
        .matches("\\d{8}T\\d{6}\\.\\d{3}Z-[0-9a-f]{8}-0\\.jpg");
    assertThat(Files.getPosixFilePermissions(kept))
        .isEqualTo(PosixFilePermissions.fromString("rw-------"));
    assertThat(Files.getPosixFilePermissions(folder()))
        .isEqualTo(PosixFilePermissions.fromString("rwx------"));
    assertThat(files("")).hasSize(2);
  }

  @Test
  void severalPicturesAreOneSample() throws Exception {
    Form form = new Form();
    form.file("images", "a.jpg", RunningGateway.sample("scene.jpg"));
    form.file("images", "b.jpg", RunningGateway.sample("tiny.jpg"));
    try (RunningGateway running = new RunningGateway(options(1, 1 << 30))) {
      assertThat(running.postForm("/predict_batch/classify", form).status()).isEqualTo(200);
    }
    assertThat(files(".json")).hasSize(1);
    assertThat(files(".jpg")).hasSize(2);
  }

  @Test
  void picturesWhoseResultsAreStreamedAreSamplesOfTheirOwn() throws Exception {
    Form form = new Form();
    form.file("images", "a.jpg", RunningGateway.sample("scene.jpg"));
    form.file("images", "b.jpg", RunningGateway.sample("tiny.jpg"));
    form.file("images", "c.jpg", "nonsense".getBytes(StandardCharsets.UTF_8));
    try (RunningGateway running = new RunningGateway(options(1, 1 << 30))) {
      assertThat(
              running
                  .postForm("/predict_batch/classify", form, "accept", "text/event-stream")
                  .status())
          .isEqualTo(200);
    }
    assertThat(files(".json")).hasSize(2);
    for (Path told : files(".json")) {
      assertThat(json(told).get("pictures")).hasSize(1);
      assertThat(json(told).get("answer").isObject()).isTrue();
    }
  }

  @Test
  void requestsThatFailAreWrittenDownAsWell() throws Exception {
    try (RunningGateway running = new RunningGateway(options(1, 1 << 30))) {
      byte[] picture = RunningGateway.sample("tiny.jpg");
      assertThat(running.post("/predict/nothing", "image/jpeg", picture).status()).isEqualTo(404);
      assertThat(running.post("/detect", "image/jpeg", new byte[9]).status()).isBetween(400, 499);
    }
    assertThat(files(".json")).hasSize(2);
    List<Integer> statuses = new ArrayList<>();
    for (Path told : files(".json")) {
      statuses.add(json(told).get("status").asInt());
    }
    assertThat(statuses).contains(404).allMatch(status -> status >= 400);
    assertThat(files(".jpg")).hasSize(1);
  }

  @Test
  void nothingIsWrittenDownOfRequestsOutsideTheShare() throws Exception {
    try (RunningGateway running = new RunningGateway(options(0, 1 << 30))) {
      byte[] picture = RunningGateway.sample("tiny.jpg");
      assertThat(running.post("/detect", "image/jpeg", picture).status()).isEqualTo(200);
    }
    assertThat(files("")).isEmpty();
  }

  @Test
  void theOldestMakeRoomAlsoThoseOfEarlierRuns() throws Exception {
    byte[] picture = RunningGateway.sample("tiny.jpg");
    long room = 3L * (picture.length + 2000);
    Files.createDirectories(folder());
    Files.write(folder().resolve("20200101T000000.000Z-00000000-0.jpg"), new byte[(int) room]);
    Files.writeString(folder().resolve("20200101T000000.000Z-00000000.json"), "{}");
    Files.writeString(folder().resolve("notes.txt"), "not a sample");
    try (RunningGateway running = new RunningGateway(options(1, room))) {
      assertThat(count(running, "removed")).isEqualTo(1);
      for (int i = 0; i < 8; i++) {
        assertThat(running.post("/classify", "image/jpeg", picture).status()).isEqualTo(200);
      }
    }
    assertThat(files(".json")).hasSizeBetween(2, 7);
    assertThat(files(".jpg")).hasSameSizeAs(files(".json"));
    assertThat(files("notes.txt")).hasSize(1);
    long bytes = 0;
    for (Path file : files("")) {
      bytes += Files.size(file);
    }
    assertThat(bytes).isLessThanOrEqualTo(room + 20);
  }

  @Test
  void aFolderThatGoesAwayCostsSamplesAndNothingElse() throws Exception {
    byte[] picture = RunningGateway.sample("tiny.jpg");
    try (RunningGateway running = new RunningGateway(options(1, 1 << 30))) {
      Files.delete(folder());
      assertThat(running.post("/classify", "image/jpeg", picture).status()).isEqualTo(200);
      long end = System.nanoTime() + 20_000_000_000L;
      while (count(running, "failed") == 0 && System.nanoTime() < end) {
        Thread.onSpinWait();
      }
      assertThat(count(running, "failed")).isEqualTo(1);
    }
  }

  @Test
  void whatFindsTheDiskBusyIsLeftOutAndCounted() throws Exception {
    Metrics metrics = new Metrics();
    var options = new PayloadSampleOptions(folder(), 1, 1 << 30);
    try (PayloadSamples samples = PayloadSamples.open(options, metrics)) {
      List<PayloadSamples.Sample> held = new ArrayList<>();
      for (int i = 0; i < 16; i++) {
        held.add(Objects.requireNonNull(samples.take(List.of(), () -> ABOUT)));
      }
      assertThat(samples.take(List.of(), () -> ABOUT)).isNull();
      assertThat(metrics.counter(Meter.SAMPLES, "busy").total()).isEqualTo(1);
      held.forEach(
          sample ->
              sample.answered(200, Unpooled.copiedBuffer("{\"a\":1}", StandardCharsets.UTF_8)));
    }
    assertThat(metrics.counter(Meter.SAMPLES, "written").total()).isEqualTo(16);
    assertThat(files(".json")).hasSize(16);
  }

  @Test
  void aFolderThatCannotBeIsToldAtTheStart() throws Exception {
    Path file = Files.createFile(temporary.resolve("file"));
    var options = new PayloadSampleOptions(file, 1, 1);
    assertThatThrownBy(() -> PayloadSamples.open(options, new Metrics()))
        .isInstanceOf(FaultException.class)
        .hasMessageStartingWith("--sample-payloads: " + file + ": cannot be written: ");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> new PayloadSampleOptions(file, 2, 1))
        .withMessage("sample-payloads-rate: 2.0 (expected: 0 to 1)");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> new PayloadSampleOptions(file, 1, 0))
        .withMessage("sample-payloads-max-bytes: 0 (expected: >= 1)");
  }
}
