package dev.nereid.app;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.nereid.client.GrpcInferenceClient;
import dev.nereid.client.HttpInferenceClient;
import dev.nereid.client.ImageClient;
import dev.nereid.client.ImageForm;
import dev.nereid.client.InferCall;
import dev.nereid.client.InferInput;
import dev.nereid.client.InferResult;
import dev.nereid.core.Shape;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** One picture, three protocols, the same objects; and they are the ones that were drawn. */
@Timeout(60)
final class SameBoxesTest {
  private static final JsonMapper JSON = new JsonMapper();
  private static final Duration LIMIT = Duration.ofSeconds(30);
  private static final double SAME_OBJECT = 0.5;

  /** Of the objects of all pictures together; small and overlapping ones are hard. */
  private static final double FOUND_OF_ALL = 0.9;

  private static final JsonNode TRUTH =
      JSON.readTree(RunningProgram.HOME.resolve("samples/ground_truth.json").toFile());

  private static RunningProgram program;
  private static HttpInferenceClient http;
  private static GrpcInferenceClient grpc;
  private static ImageClient images;

  /** A found object; edges in pixels of the upright picture. */
  @SuppressWarnings("ArrayRecordComponent") // never compared as a whole
  private record Box(int category, String label, float score, float[] edges) {}

  @BeforeAll
  static void start() throws Exception {
    program = RunningProgram.ofDemoModels();
    http = program.http(4);
    grpc = program.grpc(1);
    images = program.images();
  }

  @AfterAll
  static void stop() {
    images.close();
    http.close();
    grpc.close();
    program.close();
  }

  static Stream<String> packedPictures() {
    return TRUTH
        .valueStream()
        .map(picture -> picture.get("file").asString())
        .filter(file -> file.matches(".*\\.(jpg|png|webp)"));
  }

  @ParameterizedTest
  @MethodSource("packedPictures")
  void theBoxesAreTheSameThroughRestHttpAndGrpc(String file) throws Exception {
    byte[] picture = RunningProgram.sample(file);
    InferCall call =
        InferCall.of("detect", InferInput.blobs("image", Shape.of(1, 1), List.of(picture)));
    List<Box> rest = rest(picture);
    assertThat(rest).isNotEmpty();
    assertSame(rest, tensors(await(http.infer(call))));
    assertSame(rest, tensors(await(grpc.infer(call))));
  }

  @Test
  void mostOfWhatWasDrawnIsFoundWhereItWasDrawn() throws Exception {
    int drawn = 0;
    int found = 0;
    for (JsonNode picture : TRUTH) {
      JsonNode objects = picture.get("objects");
      String file = picture.get("file").asString();
      List<Box> boxes = rest(RunningProgram.sample(file));
      int here = (int) objects.valueStream().filter(object -> isAmong(object, boxes)).count();
      if (file.equals("scene.jpg") || file.equals("street_hd.jpg")) {
        assertThat(here).as(file).isGreaterThanOrEqualTo(objects.size() - 1);
      }
      drawn += objects.size();
      found += here;
    }
    assertThat((double) found / drawn).isGreaterThanOrEqualTo(FOUND_OF_ALL);
  }

  private static List<Box> rest(byte[] picture) throws Exception {
    String text = await(images.post("/detect", ImageForm.RAW, picture, LIMIT));
    List<Box> boxes = new ArrayList<>();
    for (JsonNode found : JSON.readTree(text).get("detections")) {
      float[] edges = new float[4];
      for (int i = 0; i < 4; i++) {
        edges[i] = found.get("box").get(i).floatValue();
      }
      boxes.add(
          new Box(
              found.get("class_id").asInt(),
              found.get("label").asString(),
              found.get("confidence").floatValue(),
              edges));
    }
    return boxes;
  }

  private static List<Box> tensors(InferResult result) {
    float[] edges = result.output("det_boxes").floats();
    float[] scores = result.output("det_scores").floats();
    int[] categories = result.output("det_classes").ints();
    List<Box> boxes = new ArrayList<>();
    for (int i = 0; i < result.output("num_dets").ints()[0]; i++) {
      float[] own = {edges[4 * i], edges[4 * i + 1], edges[4 * i + 2], edges[4 * i + 3]};
      boxes.add(new Box(categories[i], "", scores[i], own));
    }
    return boxes;
  }

  private static void assertSame(List<Box> expected, List<Box> actual) {
    assertThat(actual).hasSameSizeAs(expected);
    for (int i = 0; i < expected.size(); i++) {
      assertThat(actual.get(i).category()).isEqualTo(expected.get(i).category());
      assertThat(actual.get(i).score()).isCloseTo(expected.get(i).score(), within(1e-5f));
      assertThat(actual.get(i).edges())
          .usingComparatorWithPrecision(1e-3f)
          .containsExactly(expected.get(i).edges());
    }
  }

  private static boolean isAmong(JsonNode object, List<Box> boxes) {
    String label = object.get("label").asString();
    float[] drawn = {
      object.get("x1").floatValue(), object.get("y1").floatValue(),
      object.get("x2").floatValue(), object.get("y2").floatValue()
    };
    return boxes.stream()
        .anyMatch(box -> box.label().equals(label) && overlap(box.edges(), drawn) >= SAME_OBJECT);
  }

  /** Intersection over union. */
  private static double overlap(float[] a, float[] b) {
    double width = Math.max(0, Math.min(a[2], b[2]) - Math.max(a[0], b[0]));
    double height = Math.max(0, Math.min(a[3], b[3]) - Math.max(a[1], b[1]));
    double union = area(a) + area(b) - width * height;
    return width * height / union;
  }

  private static double area(float[] box) {
    return (double) (box[2] - box[0]) * (box[3] - box[1]);
  }

  private static <T> T await(CompletableFuture<T> answer) throws Exception {
    return answer.get(LIMIT.toSeconds(), TimeUnit.SECONDS);
  }
}
