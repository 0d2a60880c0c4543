package dev.nereid.app;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine;

final class CheckModelCommandTest {
  @TempDir Path folder;
  private final StringWriter out = new StringWriter();
  private final StringWriter err = new StringWriter();

  private int check(Path directory) {
    CommandLine line = Nereid.commandLine(new Installation(folder, null, "0"));
    line.setOut(new PrintWriter(out, true)).setErr(new PrintWriter(err, true));
    return line.execute("check-model", directory.toString());
  }

  private Path model(String name, String config) throws IOException {
    Path model = folder.toRealPath().resolve(name);
    Files.createDirectories(model.resolve("1"));
    Files.writeString(model.resolve("config.pbtxt"), config);
    return model;
  }

  @Test
  void aGoodModelIsFine() throws Exception {
    Path echo =
        model(
            "echo",
            """
            backend: "identity"
            max_batch_size: 4
            input { name: "INPUT0" data_type: TYPE_FP32 dims: [ 2 ] }
            output { name: "OUTPUT0" data_type: TYPE_FP32 dims: [ 2 ] }
            dynamic_batching { }
            """);
    assertThat(check(echo)).isZero();
    assertThat(out.toString()).startsWith("echo: fine");
  }

  @Test
  void whatKeepsBatchesFromFormingIsSaid() throws Exception {
    Path echo =
        model(
            "echo",
            """
            backend: "identity"
            max_batch_size: 4
            input { name: "INPUT0" data_type: TYPE_FP32 dims: [ -1 ] }
            output { name: "OUTPUT0" data_type: TYPE_FP32 dims: [ -1 ] }
            instance_group { kind: KIND_CPU count: 2 }
            dynamic_batching { default_queue_policy { max_queue_size: 2 } }
            """);
    assertThat(check(echo)).as("warnings are no failure").isZero();
    assertThat(out.toString())
        .contains("warning: instance_group: 2 instances, and max_queue_delay_microseconds is 0")
        .contains("warning: dynamic_batching.default_queue_policy.max_queue_size: 2 is below")
        .contains("warning: input 'INPUT0'.dims: [-1] are free");
  }

  @Test
  void anExportWithAFixedBatchIsSaid() throws Exception {
    Path fixed = model("fixed", "backend: 'onnxruntime'");
    Files.copy(
        RunningProgram.HOME.resolve("samples/models/ultralytics_static.onnx"),
        fixed.resolve("1/model.onnx"));
    assertThat(check(fixed)).isZero();
    assertThat(out.toString())
        .contains("fixed: fine", "every tensor's first dimension is fixed to 1");
  }

  @Test
  void aMisplacedFieldIsToldWithFileLineAndTheRightPlace() throws Exception {
    Path wrong = model("wrong", "backend: 'identity'\ndynamic_batching { max_batch_size: 4 }\n");
    assertThat(check(wrong)).isEqualTo(1);
    assertThat(out.toString())
        .contains("wrong: cannot be served: ")
        .contains(wrong.resolve("config.pbtxt") + ":2:")
        .contains("max_batch_size");
  }

  @Test
  void whatIsNotOfferedIsRefusedByName() throws Exception {
    Path sequences =
        model(
            "sequences",
            """
            backend: "identity"
            max_batch_size: 4
            input { name: "INPUT0" data_type: TYPE_FP32 dims: [ 2 ] }
            output { name: "OUTPUT0" data_type: TYPE_FP32 dims: [ 2 ] }
            sequence_batching { }
            """);
    assertThat(check(sequences)).isEqualTo(1);
    assertThat(out.toString()).contains("sequence_batching is not offered yet");
  }

  @Test
  void aRepositoryIsCheckedAsAWhole() throws Exception {
    model("a", "backend: 'nothing_of_the_kind'");
    model("b", "platform: 'ensemble'");
    assertThat(check(folder)).isEqualTo(1);
    assertThat(out.toString()).contains("a: cannot be served", "b: cannot be served");
  }

  @Test
  void aMissingFolderIsSaidInOneLine() {
    assertThat(check(folder.resolve("nowhere"))).isEqualTo(1);
    assertThat(err.toString()).contains("no such directory").hasLineCount(1);
  }
}
