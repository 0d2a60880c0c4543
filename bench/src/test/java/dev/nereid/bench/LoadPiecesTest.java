package dev.nereid.bench;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.within;

import dev.nereid.client.InferOutput;
import dev.nereid.client.ModelInfo;
import dev.nereid.core.DataType;
import dev.nereid.core.Shape;
import java.awt.image.BufferedImage;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.SplittableRandom;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.DoubleStream;
import javax.imageio.ImageIO;
import org.HdrHistogram.Histogram;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.ObjectMapper;

final class LoadPiecesTest {
  @Test
  void everyCallerVisitsEveryVariantInAnOrderOfItsOwn() {
    SplittableRandom random = new SplittableRandom(1);
    int[] shuffled = Order.shuffle(12, random);
    TreeSet<String> walks = new TreeSet<>();
    for (int caller = 0; caller < 20; caller++) {
      Order order = new Order(shuffled, random);
      TreeSet<Integer> seen = new TreeSet<>();
      StringBuilder walk = new StringBuilder();
      for (int i = 0; i < 12; i++) {
        int next = order.next();
        seen.add(next);
        walk.append(next).append(' ');
      }
      assertThat(seen).hasSize(12);
      walks.add(walk.toString());
    }
    assertThat(walks.size()).isGreaterThan(10);
  }

  @Test
  void warmUpEndsWhenThroughputStopsRisingAndAfterThirtySecondsAtLast() {
    Stability steady = new Stability(true);
    assertThat(List.of(10.0, 50.0, 98.0, 99.0, 100.0).stream().map(steady::isReachedWith))
        .containsExactly(false, false, false, false, true);
    assertThat(steady.isSettled()).isTrue();
    Stability rising = new Stability(true);
    for (long second = 1; second < 30; second++) {
      assertThat(rising.isReachedWith(Math.pow(2, (double) second))).isFalse();
    }
    assertThat(rising.isReachedWith(Math.pow(2, 30))).isTrue();
    assertThat(rising.isSettled()).isFalse();
  }

  @Test
  void aQuantileNeedsTenSamplesBeyondIt() {
    Histogram histogram = new Histogram(3);
    for (int i = 1; i <= 999; i++) {
      histogram.recordValue(i * 1_000L);
    }
    assertThat(Latencies.of(histogram).p99()).isNull();
    histogram.recordValue(1_000_000);
    assertThat(Latencies.of(histogram).p99()).isNotNull();
    assertThat(Latencies.of(histogram).p999()).isNull();
    assertThat(Latencies.of(new Histogram(3)).count()).isZero();
  }

  @Test
  void floatingPointMayDifferALittleAndIntegersNotAtAll() {
    assertThat(TensorCheck.same(List.of(floats(1, 2)), List.of(floats(1.0001f, 2)))).isTrue();
    assertThat(TensorCheck.same(List.of(floats(1, 2)), List.of(floats(1.1f, 2)))).isFalse();
    assertThat(TensorCheck.same(List.of(floats(1, 2)), List.of(floats(1, Float.NaN)))).isFalse();
    assertThat(TensorCheck.same(List.of(ints(1)), List.of(ints(2)))).isFalse();
    assertThat(TensorCheck.same(List.of(floats(1)), List.of())).isFalse();
  }

  @Test
  void jsonIsTheSameUpToSmallDifferencesAndTimes() {
    ObjectMapper mapper = new ObjectMapper();
    var right =
        mapper.readTree(
            "{\"boxes\":[{\"x\":0.5,\"class\":1}],\"total_time_ms\":4,\"status\":\"success\"}");
    assertThat(
            JsonCheck.same(
                right,
                mapper.readTree("{\"boxes\":[{\"x\":0.5001,\"class\":1}],\"status\":\"success\"}")))
        .isTrue();
    assertThat(
            JsonCheck.same(
                right,
                mapper.readTree("{\"boxes\":[{\"x\":0.6,\"class\":1}],\"status\":\"success\"}")))
        .isFalse();
    assertThat(JsonCheck.same(right, mapper.readTree("{\"boxes\":[],\"status\":\"success\"}")))
        .isFalse();
    assertThat(
            JsonCheck.same(
                right, mapper.readTree("{\"boxes\":[{\"x\":0.5,\"class\":1}],\"status\":\"no\"}")))
        .isFalse();
  }

  @Test
  void inputsFollowTheModelAndAreDistinct() {
    var model =
        new ModelInfo(
            "m",
            List.of("1"),
            "p",
            List.of(
                new ModelInfo.TensorInfo("f", DataType.FP32, Shape.of(-1, 4)),
                new ModelInfo.TensorInfo("s", DataType.BYTES, Shape.of(-1, 1)),
                new ModelInfo.TensorInfo("free", DataType.INT64, Shape.of(-1, -1))),
            List.of());
    var inputs =
        new TensorInputs(
            10, 2, Map.of("free", Shape.of(2, 7)), Map.of("free", "zero"), List.of(), 1);
    var calls = inputs.calls(model);
    assertThat(calls).hasSize(10);
    assertThat(calls.stream().map(call -> call.inputs().getFirst().data()).distinct()).hasSize(10);
    assertThat(calls.getFirst().inputs().get(0).shape()).isEqualTo(Shape.of(2, 4));
    assertThat(calls.getFirst().inputs().get(1).shape()).isEqualTo(Shape.of(2, 1));
    assertThat(calls.getFirst().inputs().get(2).data()).isEqualTo(ByteBuffer.allocate(2 * 7 * 8));
    assertThat(inputs.calls(model).getLast().inputs()).isEqualTo(calls.getLast().inputs());
  }

  @Test
  void picturesAreChosenByMode(@TempDir Path folder) throws Exception {
    for (int i = 0; i < 5; i++) {
      ImageIO.write(
          new BufferedImage(i < 3 ? 8 : 9 + i, 8, BufferedImage.TYPE_INT_RGB),
          "png",
          folder.resolve(i + ".png").toFile());
    }
    assertThat(ImageSet.load(folder, ImageSet.Mode.MIXED, 100, 1)).hasSize(5);
    assertThat(ImageSet.load(folder, ImageSet.Mode.SAME_SIZE, 100, 1)).hasSize(3);
    assertThat(ImageSet.load(folder, ImageSet.Mode.IDENTICAL, 100, 1)).hasSize(1);
    assertThat(ImageSet.load(folder, ImageSet.Mode.MIXED, 2, 1)).hasSize(2);
    Path empty = Files.createDirectory(folder.resolve("empty"));
    assertThatIllegalArgumentException()
        .isThrownBy(() -> ImageSet.load(empty, ImageSet.Mode.MIXED, 1, 1))
        .withMessageContaining("expected: a folder with pictures");
  }

  @Test
  void manyBatchSizesAreShownInRanges() {
    TreeMap<Long, Long> few = new TreeMap<>(Map.of(1L, 1L, 4L, 3L));
    assertThat(ReportTable.batches(few)).isEqualTo("1:25% 4:75%");
    TreeMap<Long, Long> many = new TreeMap<>();
    for (long size = 1; size <= 20; size++) {
      many.put(size, 5L);
    }
    assertThat(ReportTable.batches(many)).isEqualTo("1:5% 2:5% 3-4:10% 5-8:20% 9-16:40% 17-32:20%");
  }

  @Test
  void timesAreReadWithTheirUnits() {
    var time = new Times();
    assertThat(time.convert("500ms")).isEqualTo(Duration.ofMillis(500));
    assertThat(time.convert("1.5s")).isEqualTo(Duration.ofMillis(1_500));
    assertThat(time.convert("2m")).isEqualTo(Duration.ofMinutes(2));
    assertThat(time.convert("3")).isEqualTo(Duration.ofSeconds(3));
    assertThat(time.convert("auto")).isEqualTo(LoadPlan.UNTIL_STABLE);
  }

  @Test
  void aGrpcBodyIsFramedForToolsThatSendBytes() {
    assertThat(BodyCommand.framed(new byte[] {9, 8})).containsExactly(0, 0, 0, 0, 2, 9, 8);
  }

  @Test
  void aPlanRefusesNonsense() {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> LoadPlan.closed(-1, Duration.ZERO, Duration.ofSeconds(1)))
        .withMessage("level: -1.0 (expected: > 0)");
  }

  @Test
  void arrivalsOfAllPacersTogetherHaveTheRate() {
    var rate = new Profile.Constant(1_000);
    TreeSet<Long> constant = new TreeSet<>();
    List<Double> gaps = new ArrayList<>();
    for (int part = 0; part < 4; part++) {
      Arrivals even = Arrivals.at(new Load.Open(rate, false), part, 4, new SplittableRandom(1));
      for (int i = 0; i < 250; i++) {
        constant.add(even.next());
      }
    }
    assertThat(constant).hasSize(1_000);
    assertThat(constant.last() - constant.first()).isBetween(998_000_000L, 1_000_000_000L);
    Arrivals random = Arrivals.at(new Load.Open(rate, true), 0, 1, new SplittableRandom(1));
    long last = 0;
    for (int i = 0; i < 100_000; i++) {
      long next = random.next();
      gaps.add((next - last) / 1e6);
      last = next;
    }
    double mean = gaps.stream().mapToDouble(Double::doubleValue).average().orElseThrow();
    double deviation =
        Math.sqrt(gaps.stream().mapToDouble(g -> (g - mean) * (g - mean)).average().orElseThrow());
    assertThat(mean).isBetween(0.99, 1.01);
    assertThat(deviation).isBetween(0.98, 1.02); // as large as the mean: an exponential
  }

  @Test
  void arrivalsFollowTheProfile() {
    var steps =
        new Profile.Steps(
            List.of(
                new Profile.Steps.Step(100, 1),
                new Profile.Steps.Step(0, 1),
                new Profile.Steps.Step(300, 1)));
    Arrivals arrivals = Arrivals.at(new Load.Open(steps, false), 0, 1, new SplittableRandom(1));
    int[] seconds = new int[3];
    for (long at = arrivals.next(); at < 3_000_000_000L; at = arrivals.next()) {
      seconds[(int) (at / 1_000_000_000L)]++;
    }
    assertThat(seconds[0]).isBetween(99, 101);
    assertThat(seconds[1]).isZero();
    assertThat(seconds[2]).isBetween(298, 301);
  }

  @Test
  void aKneeIsTheFewestCallersNearTheBest() {
    assertThat(new Profile.Ramp(8, 2, 4).at(0)).isEqualTo(2);
    assertThat(new Profile.Ramp(8, 2, 4).at(3.9)).isEqualTo(8);
    assertThat(new Profile.Burst(8, 1, 3).at(4.5)).isEqualTo(8);
    assertThat(new Profile.Burst(8, 1, 3).at(1.5)).isZero();
  }

  @Test
  void anIntervalIsStudentsAndWiderWhereSecondsFollowTheirNeighbours() {
    assertThat(Interval.student(4)).isCloseTo(2.776, within(0.02));
    assertThat(Interval.student(30)).isCloseTo(2.042, within(0.005));
    assertThat(Interval.ofMean(List.of(1.0, 2.0, 3.0))).isNull();
    double noisy = relative(9, 11, 9, 11, 9, 11, 9, 11);
    assertThat(relative(9, 9, 9, 9, 11, 11, 11, 11)).isGreaterThan(1.5 * noisy);
  }

  private static double relative(double... values) {
    Interval interval = Interval.ofMean(DoubleStream.of(values).boxed().toList());
    return Objects.requireNonNull(interval).relative();
  }

  @Test
  void classesAreDrawnByWeight() {
    Mix mix = Mix.parse("1=1,2=3", "");
    assertThat(mix.shares()).hasSize(2);
    assertThat(mix.pick(0.24)).isZero();
    assertThat(mix.pick(0.26)).isEqualTo(1);
    assertThat(Mix.parse("", "")).isEqualTo(Mix.PLAIN);
    assertThat(Mix.parse("", "50ms").shares().getFirst().label()).isEqualTo("deadline 50ms");
  }

  @Test
  void aLiveViewDrawsBars() {
    assertThat(LiveView.spark(List.of(0.0, 50.0, 100.0))).isEqualTo("▁▅█");
  }

  @Test
  void aTerminalIsDrawnOverAndAFileGetsALineEachSecond() {
    LoadPlan plan = LoadPlan.closed(4, Duration.ZERO, Duration.ofSeconds(10));
    var second = new LoadResult.Second(1, 4, 1_000, 2, 4, 5.0, 4_000.0, 9_000.0, 9_500.0, null);
    var tick = new Progress.Tick(plan, false, 5, 10, second, 2);
    StringWriter file = new StringWriter();
    LiveView lines = new LiveView(new PrintWriter(file), false);
    lines.show(tick);
    lines.end();
    assertThat(file.toString().lines()).hasSize(1);
    assertThat(file.toString()).contains("1,000 req/s", "p50 4.00ms", "p99 9.00ms", "errors 2");
    StringWriter screen = new StringWriter();
    LiveView drawn = new LiveView(new PrintWriter(screen), true);
    drawn.show(tick);
    drawn.show(tick);
    drawn.end();
    assertThat(screen.toString())
        .contains("counting  5s of 10s", "━", "req/s", "in flight 4", "errors 2")
        .endsWith("\033[5A\033[J");
    assertThat(screen.toString().split("\033\\[5A", -1)).hasSize(3);
  }

  private static InferOutput floats(float... values) {
    ByteBuffer bytes = ByteBuffer.allocate(4 * values.length).order(ByteOrder.LITTLE_ENDIAN);
    bytes.asFloatBuffer().put(values);
    return new InferOutput("y", DataType.FP32, Shape.of(values.length), bytes);
  }

  private static InferOutput ints(int... values) {
    ByteBuffer bytes = ByteBuffer.allocate(4 * values.length).order(ByteOrder.LITTLE_ENDIAN);
    bytes.asIntBuffer().put(values);
    return new InferOutput("y", DataType.INT32, Shape.of(values.length), bytes);
  }
}
