package dev.nereid.bench;

import dev.nereid.client.CallFailure;
import dev.nereid.client.EventLoops;
import dev.nereid.client.GrpcInferenceClient;
import dev.nereid.client.GrpcOptions;
import dev.nereid.client.HttpInferenceClient;
import dev.nereid.client.HttpOptions;
import dev.nereid.client.InferCall;
import dev.nereid.client.InferInput;
import dev.nereid.client.InferResult;
import dev.nereid.client.InferenceClient;
import dev.nereid.client.InferenceException;
import dev.nereid.core.Shape;
import java.io.IOException;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.BiConsumer;
import java.util.function.Consumer;

/** One of those who treat the server badly; for one thread of its own, which may block. */
final class ChaosActor {
  private static final int LOST_PATIENCE_SECONDS = 60;
  private static final int OWN_CALLS = 8;
  private static final int CANCEL_WITHIN_MICROS = 5_000;

  private final ChaosPlan plan;
  private final List<ChaosModel> models;
  private final List<ChaosModel> failing;
  private final List<InferenceClient> clients;
  private final EventLoops loops;
  private final SplittableRandom random;
  private final BiConsumer<ChaosDeed, String> outcomes;
  private final Consumer<String> violations;

  /** Where actors report to. */
  record Audience(BiConsumer<ChaosDeed, String> outcomes, Consumer<String> violations) {}

  /** Models that must answer, and models that must fail. */
  record Cast(List<ChaosModel> good, List<ChaosModel> failing) {}

  ChaosActor(
      ChaosPlan plan,
      Cast cast,
      List<InferenceClient> clients,
      EventLoops loops,
      SplittableRandom random,
      Audience audience) {
    this.plan = plan;
    this.models = cast.good();
    this.failing = cast.failing();
    this.clients = clients;
    this.loops = loops;
    this.random = random;
    this.outcomes = audience.outcomes();
    this.violations = audience.violations();
  }

  /** Acts once. */
  void act() {
    ChaosDeed deed = ChaosDeed.next(random);
    if (deed == ChaosDeed.FAIL && failing.isEmpty()) {
      deed = ChaosDeed.CALL;
    }
    InferenceClient client = clients.get(random.nextInt(clients.size()));
    ChaosModel model = models.get(random.nextInt(models.size()));
    String outcome =
        switch (deed) {
          case CALL -> call(client, model);
          case CANCEL -> cancel(client, model);
          case HURRY -> hurry(client, model);
          case DISCONNECT -> disconnect(model);
          case HALF_REQUEST -> halfRequest(client, model);
          case NONSENSE ->
              refused(
                  deed,
                  client,
                  InferCall.of(
                      model.name(), InferInput.floats("no-such-input", Shape.of(1, 1), 1)));
          case FAIL -> refused(deed, client, any(failing.get(random.nextInt(failing.size()))));
        };
    outcomes.accept(deed, outcome);
  }

  private String call(InferenceClient client, ChaosModel model) {
    int chosen = random.nextInt(model.calls().size());
    try {
      InferResult result = await(client.infer(model.calls().get(chosen)));
      if (model.isRight(chosen, result)) {
        return "right";
      }
      violations.accept(model.name() + ": wrong reply");
      return "WRONG";
    } catch (InferenceException e) {
      CallFailure failure = e.failure();
      if (!failure.isOverload()) {
        violations.accept(model.name() + ": " + e.getMessage());
      }
      return outcome(failure);
    }
  }

  private String cancel(InferenceClient client, ChaosModel model) {
    CompletableFuture<InferResult> call = client.infer(any(model));
    try {
      call.get(random.nextInt(CANCEL_WITHIN_MICROS), TimeUnit.MICROSECONDS);
      return "answered before";
    } catch (TimeoutException e) {
      call.cancel(true);
      return "withdrawn";
    } catch (ExecutionException e) {
      return e.getCause() instanceof InferenceException failure
          ? outcome(failure.failure())
          : "failed";
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return "interrupted";
    }
  }

  private String hurry(InferenceClient client, ChaosModel model) {
    Duration time = Duration.ofMillis(1 + random.nextInt(10));
    try {
      await(client.infer(any(model).withTimeout(time)));
      return "answered in time";
    } catch (InferenceException e) {
      return outcome(e.failure());
    }
  }

  private String disconnect(ChaosModel model) {
    var grpc = plan.grpc();
    try (InferenceClient own =
        grpc != null && random.nextBoolean()
            ? new GrpcInferenceClient(GrpcOptions.of(grpc), loops)
            : new HttpInferenceClient(
                HttpOptions.of(plan.http()).withMaxConnections(OWN_CALLS), loops)) {
      CompletableFuture<?>[] calls = new CompletableFuture<?>[OWN_CALLS];
      for (int i = 0; i < OWN_CALLS; i++) {
        calls[i] = own.infer(any(model));
      }
      var _ =
          CompletableFuture.anyOf(calls)
              .exceptionally(_ -> null)
              .orTimeout(random.nextInt(1, 20), TimeUnit.MILLISECONDS)
              .exceptionally(_ -> null)
              .join();
    }
    return "dropped";
  }

  private String halfRequest(InferenceClient client, ChaosModel model) {
    byte[] whole =
        client instanceof HttpInferenceClient
            ? client.encode(any(model)).toByteArray()
            : "POST /v2/models/x/infer HTTP/1.1\r\nContent-Length: 1000000\r\n\r\nhalf"
                .getBytes(StandardCharsets.US_ASCII);
    try (Socket socket = new Socket(plan.http().host(), plan.http().port())) {
      socket.getOutputStream().write(whole, 0, 1 + random.nextInt(whole.length - 1));
      socket.getOutputStream().flush();
      return "left";
    } catch (IOException e) {
      return "could not connect";
    }
  }

  private String refused(ChaosDeed deed, InferenceClient client, InferCall call) {
    try {
      await(client.infer(call));
      violations.accept(call.model() + ": answered " + deed + " (expected: a failure)");
      return "ANSWERED";
    } catch (InferenceException e) {
      if (e.failure().kind() != CallFailure.Kind.SERVER) {
        violations.accept(call.model() + ": " + e.getMessage() + " (expected: an error status)");
      }
      return outcome(e.failure());
    }
  }

  private InferCall any(ChaosModel model) {
    return model.calls().get(random.nextInt(model.calls().size()));
  }

  private static String outcome(CallFailure failure) {
    return failure.kind() == CallFailure.Kind.SERVER ? "server " + failure.code() : failure.code();
  }

  /** The result; a reply that never comes is a failure too. */
  static InferResult await(CompletableFuture<InferResult> call) {
    try {
      return call.orTimeout(LOST_PATIENCE_SECONDS, TimeUnit.SECONDS).join();
    } catch (CancellationException e) {
      throw new InferenceException(
          new CallFailure(CallFailure.Kind.CANCELLED, "cancelled", "cancelled"));
    } catch (CompletionException e) {
      if (e.getCause() instanceof InferenceException failure) {
        throw failure;
      }
      throw new InferenceException(
          new CallFailure(
              CallFailure.Kind.LOST,
              "no outcome",
              "no outcome in " + LOST_PATIENCE_SECONDS + " s: " + e.getCause()));
    }
  }
}
