package dev.nereid.client;

import com.google.common.util.concurrent.ListenableFuture;
import dev.nereid.core.Failure;
import dev.nereid.core.Fault;
import dev.nereid.core.FaultException;
import dev.nereid.protocol.proto.GRPCInferenceServiceGrpc;
import dev.nereid.protocol.proto.GRPCInferenceServiceGrpc.GRPCInferenceServiceFutureStub;
import dev.nereid.protocol.proto.ModelRepositoryParameter;
import dev.nereid.protocol.proto.RepositoryModelLoadRequest;
import dev.nereid.protocol.proto.RepositoryModelUnloadRequest;
import io.grpc.Metadata;
import io.grpc.Status;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/** Loads and unloads a model on every server that answers, on all of them at once. */
final class RepositoryChange {
  /** As long as a server gives a load. */
  private static final long MINUTES = 10;

  private RepositoryChange() {}

  static void load(List<UpstreamTarget> targets, String model) {
    RepositoryModelLoadRequest request =
        RepositoryModelLoadRequest.newBuilder().setModelName(model).build();
    onEach(targets, stub -> stub.repositoryModelLoad(request));
  }

  static void unload(List<UpstreamTarget> targets, String model, boolean dependents) {
    RepositoryModelUnloadRequest request =
        RepositoryModelUnloadRequest.newBuilder()
            .setModelName(model)
            .putParameters(
                "unload_dependents",
                ModelRepositoryParameter.newBuilder().setBoolParam(dependents).build())
            .build();
    onEach(targets, stub -> stub.repositoryModelUnload(request));
  }

  private static void onEach(
      List<UpstreamTarget> targets,
      Function<GRPCInferenceServiceFutureStub, ListenableFuture<?>> call) {
    Map<String, ListenableFuture<?>> calls = new LinkedHashMap<>();
    for (UpstreamTarget target : targets) {
      if (target.answers()) {
        var stub =
            GRPCInferenceServiceGrpc.newFutureStub(target.channel(Lane.NORMAL))
                .withDeadlineAfter(MINUTES, TimeUnit.MINUTES);
        calls.put(target.endpoint().toString(), call.apply(stub));
      }
    }
    if (calls.isEmpty()) {
      throw FaultException.of(Fault.NOT_READY, "no upstream answers");
    }
    List<Failure> failures = new ArrayList<>();
    calls.forEach(
        (target, pending) -> {
          Failure failure = outcome(target, pending);
          if (failure != null) {
            failures.add(failure);
          }
        });
    if (!failures.isEmpty()) {
      String text = String.join("; ", failures.stream().map(Failure::message).toList());
      throw failures.getFirst().fault().with(text).exception();
    }
  }

  /** Null when it went well. */
  private static @Nullable Failure outcome(String target, ListenableFuture<?> pending) {
    try {
      var _ = pending.get();
      return null;
    } catch (ExecutionException e) {
      Metadata trailers = Status.trailersFromThrowable(e);
      Failure failure =
          Ending.of(
                  Status.fromThrowable(e),
                  trailers == null ? new Metadata() : trailers,
                  true,
                  target)
              .failure();
      return failure.fault().with("upstream " + target + ": " + failure.message());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return Fault.CANCELLED.with("upstream " + target + ": waiting was interrupted");
    }
  }
}
