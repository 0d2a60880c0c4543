package dev.nereid.engine;

import static org.assertj.core.api.Assertions.assertThat;

import dev.nereid.core.Fault;
import dev.nereid.engine.EngineOptions.Control;
import dev.nereid.engine.EngineOptions.ControlMode;
import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What runs before a version takes requests, and what becomes of those that do not get there. */
final class WarmUpTest extends EngineFixture {
  private static String sample(String size, String data) {
    return """
        model_warmup {
          name: "first"
          %s
          inputs { key: "INPUT0" value: { data_type: TYPE_FP32 dims: [ 2 ] %s } }
        }
        """
        .formatted(size, data);
  }

  private static String parameter(String key, String value) {
    return "parameters { key: \"%s\" value: { string_value: \"%s\" } }\n".formatted(key, value);
  }

  private static void load(Engine engine, String model) {
    engine.load(model, LoadParameters.NONE);
  }

  private String failure(Engine engine, String model) {
    return refusal(() -> load(engine, model)).failure().message();
  }

  /** The third execution of the model fails, whichever instance runs it. */
  @ParameterizedTest
  @CsvSource({
    "1, 2, 1, true",
    "1, 3, 1, false",
    "8, 2, 1, true",
    "1, 1, 2, true",
    "1, 2, 2, false"
  })
  void everySampleRunsSoOftenOnEachInstance(int size, int count, int instances, boolean loads) {
    String more = instances == 1 ? "" : "instance_group { kind: KIND_CPU count: 1 }";
    String sizes = "batch_size: %d count: %d".formatted(size, count);
    models.delay("d", parameter("throw_every", "3") + sample(sizes, "zero_data: true") + more);
    Engine engine = explicit("d");
    assertThat(engine.started().join().failures().isEmpty()).isEqualTo(loads);
  }

  @ParameterizedTest
  @ValueSource(strings = {"zero_data: true", "random_data: true", "input_data_file: \"two\""})
  void nothingOfItIsCounted(String data) {
    models.identity("id", 2, sample("batch_size: 3 count: 2", data));
    write("id/warmup/two", "12345678");
    Engine engine = explicit("id");
    assertThat(engine.started().join().failures()).isEmpty();
    assertThat(engine.statistics("id", -1).getFirst().executionCount()).isZero();
    assertThat(engine.statistics("id", -1).getFirst().success().count()).isZero();
    infer(engine, "id", -1, "INPUT0").response();
  }

  @Test
  void everyTypeCanBeMade() {
    for (String type :
        new String[] {
          "BOOL", "UINT8", "UINT16", "UINT32", "UINT64", "INT8", "INT16", "INT32", "INT64", "FP16",
          "BF16", "FP32", "FP64", "STRING"
        }) {
      models.model(
          "of_" + type,
          """
          backend: "identity"
          input { name: "INPUT0" data_type: TYPE_%1$s dims: [ 2, -1 ] }
          output { name: "OUTPUT0" data_type: TYPE_%1$s dims: [ 2, -1 ] }
          model_warmup {
            name: "zeros" batch_size: 1
            inputs { key: "INPUT0" value: { data_type: TYPE_%1$s dims: [ 2, 3 ] zero_data: true } }
          }
          model_warmup {
            name: "any" batch_size: 1
            inputs { key: "INPUT0" value: { data_type: TYPE_%1$s dims: [ 2, 5 ] random_data: true } }
          }
          """
              .formatted(type));
    }
    assertThat(open().started().join().failures()).isEmpty();
  }

  @Test
  void aFileThatIsTooShortIsNamed() {
    models.identity("id", 2, sample("batch_size: 1", "input_data_file: \"short\""));
    write("id/warmup/short", "1234567");
    assertThat(failure(explicit(), "id"))
        .contains("failed to run warmup sample 'first': input 'INPUT0': ")
        .contains("has 7 bytes (expected: 8 for 2 elements of FP32)");
    delete("id/warmup/short");
    assertThat(failure(explicit(), "id")).contains("warmup/short does not exist");
  }

  @Test
  void dataThatDoesNotFitTheModelIsRefused() {
    models.identity("id", 2, sample("batch_size: 1", "zero_data: true").replace("[ 2 ]", "[ 3 ]"));
    assertThat(failure(explicit(), "id"))
        .contains("failed to run warmup sample 'first': [request id: first] ")
        .contains("INPUT0");
    models.identity(
        "id", 2, sample("batch_size: 1", "zero_data: true").replace("[ 2 ]", "[ 99999, 99999 ]"));
    assertThat(failure(explicit(), "id")).contains("fewer than 2^31 elements");
  }

  @Test
  void aBatchOfNoneIsSkipped() {
    models.delay("d", parameter("throw_every", "1") + sample("batch_size: 0", "zero_data: true"));
    load(explicit(), "d");
  }

  @Test
  void aModelThatThrowsOrAnswersInWrongShapesStopsNobodyAndCanBeMended() {
    String sample = sample("batch_size: 1", "zero_data: true");
    models.identity("good", 2, "");
    models.delay("throws", parameter("throw_every", "1") + sample);
    models.delay("shapes", parameter("wrong_shape", "true") + sample);
    Engine engine = explicit("*");
    assertThat(reason(engine, "throws"))
        .startsWith("failed to run warmup sample 'first': ")
        .contains("told to throw");
    assertThat(reason(engine, "shapes"))
        .startsWith("failed to run warmup sample 'first': output 'OUTPUT0': shape [2]");
    assertThat(engine.isReady()).isFalse();
    infer(engine, "good", -1, "INPUT0").response();
    models.delay("throws", sample).delay("shapes", sample);
    load(engine, "throws");
    load(engine, "shapes");
    assertThat(engine.isReady()).isTrue();
    infer(engine, "throws", -1, "INPUT0").response();
  }

  @Test
  void aModelThatHangsIsGivenUpAndStopsNobody() {
    String sample = sample("batch_size: 1", "zero_data: true");
    models.identity("good", 2, "").delay("hangs", "");
    Engine engine =
        open(
            EngineOptions.of(root)
                .with(
                    Control.of(ControlMode.EXPLICIT, "good", "hangs")
                        .withLoadTimeout(Duration.ofMillis(400))));
    models.delay("hangs", parameter("delay_ms", "3600000") + sample);
    var failure = refusal(() -> load(engine, "hangs")).failure();
    assertThat(failure.fault()).isEqualTo(Fault.INVALID_ARGUMENT);
    assertThat(failure.message()).contains("loading did not end within 0 s and was given up");
    infer(engine, "hangs", -1, "INPUT0").response();
    infer(engine, "good", -1, "INPUT0").response();
    assertThat(engine.isReady()).as("the old one still serves").isTrue();
    models.delay("hangs", sample);
    load(engine, "hangs");
    infer(engine, "hangs", -1, "INPUT0").response();
  }

  @Test
  void aFailedLoadIsTriedAgainAsOftenAsTold() {
    models.delay("d", parameter("throw_every", "1") + sample("batch_size: 1", "random_data: true"));
    Control once = Control.of(ControlMode.EXPLICIT);
    Engine engine =
        open(
            EngineOptions.of(root)
                .with(
                    new Control(
                        once.mode(),
                        once.startModels(),
                        once.pollEvery(),
                        once.loadTimeout(),
                        2,
                        once.scratch())));
    assertThat(failure(engine, "d")).contains("told to throw");
    assertThat(metrics.scrape())
        .contains("nereid_model_loads_total{model=\"d\",outcome=\"failure\"} 1\n");
  }
}
