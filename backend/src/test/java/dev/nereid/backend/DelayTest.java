package dev.nereid.backend;

import static dev.nereid.backend.TestTensors.request;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.nereid.config.proto.DataType;
import dev.nereid.config.proto.ModelConfig;
import dev.nereid.config.proto.ModelParameter;
import dev.nereid.core.Fault;
import dev.nereid.core.FaultException;
import dev.nereid.core.InferRequest;
import dev.nereid.core.Shape;
import dev.nereid.core.Tensor;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

final class DelayTest extends BackendContract {
  @Override
  protected BackendProvider provider() {
    return new DelayProvider();
  }

  @Override
  protected ModelConfig numbers() {
    return IdentityTest.echo("delay", DataType.TYPE_FP32, 4);
  }

  @Override
  protected ModelConfig texts() {
    return IdentityTest.echo("delay", DataType.TYPE_STRING, 2);
  }

  @Override
  protected ModelFiles files(ModelConfig config) {
    return new ModelFiles(Path.of("echo"), Path.of("echo", "1"));
  }

  @Override
  protected boolean checksTypes() {
    return false;
  }

  private ModelConfig with(String key, String value) {
    return numbers().toBuilder()
        .putParameters(key, ModelParameter.newBuilder().setStringValue(value).build())
        .build();
  }

  private Tensor row() {
    return tensors.floats("INPUT0", Shape.of(1, 4), 1, 2, 3, 4);
  }

  private static InferRequest.Call delayed(long millis) {
    Map<String, Object> parameters = Map.of("delay_ms", millis);
    return new InferRequest.Call("echo", -1, "", parameters, List.of(), 0, 0, 0, Long.MAX_VALUE);
  }

  @Test
  void takesTheTimeTheRequestAsksFor() {
    try (Model model = open(with("delay_ms", "0"));
        Instance instance = model.newInstance(new Placement("group", 0, -1));
        var reply = new RecordingReply()) {
      long started = System.nanoTime();
      runner.run(instance, request(delayed(30), reply, row()));
      assertThat(Duration.ofNanos(System.nanoTime() - started))
          .isGreaterThan(Duration.ofMillis(29));
      reply.response();
    }
  }

  @Test
  void stopsWaitingWhenEveryCallerHasWithdrawn() {
    try (Model model = open(with("delay_ms", "600000"));
        Instance instance = model.newInstance(new Placement("group", 0, -1));
        var reply = new RecordingReply()) {
      InferRequest request = request(reply, row());
      Thread.ofPlatform().start(request::cancel);
      runner.run(instance, request);
      reply.await();
    }
  }

  @Test
  void failsEverySecondRequestAlone() {
    try (Model model = open(with("fail_every", "2"));
        Instance instance = model.newInstance(new Placement("group", 0, -1));
        var first = new RecordingReply();
        var second = new RecordingReply();
        var third = new RecordingReply()) {
      runner.run(instance, request(first, row()), request(second, row()), request(third, row()));
      first.response();
      third.response();
      assertThat(second.failure().fault()).isEqualTo(Fault.BACKEND_FAILED);
    }
  }

  @Test
  void throwsEverySecondExecution() {
    try (Model model = open(with("throw_every", "2"));
        Instance instance = model.newInstance(new Placement("group", 0, -1));
        var first = new RecordingReply();
        var second = new RecordingReply()) {
      runner.run(instance, request(first, row()));
      runner.run(instance, request(second, row()));
      first.response();
      assertThat(second.failure().message()).contains("throw_every");
    }
  }

  @Test
  void aWrongShapeIsNoticedByTheBatch() {
    try (Model model = open(with("wrong_shape", "true"));
        Instance instance = model.newInstance(new Placement("group", 0, -1));
        var reply = new RecordingReply()) {
      runner.run(instance, request(reply, row()));
      assertThat(reply.failure().message())
          .isEqualTo(
              "output 'OUTPUT0': shape [2] (expected: first dimension 1, the size of the batch)");
    }
  }

  @Test
  void refusesAParameterThatIsNoNumber() {
    assertThatThrownBy(() -> open(with("delay_ms", "soon")))
        .isInstanceOf(FaultException.class)
        .hasMessage("parameters.delay_ms: 'soon' (expected: a whole number)");
  }
}
