package dev.nereid.client;

import dev.nereid.core.Ticker;
import dev.nereid.protocol.proto.GRPCInferenceServiceGrpc;
import dev.nereid.protocol.proto.GRPCInferenceServiceGrpc.GRPCInferenceServiceStub;
import dev.nereid.protocol.proto.ModelConfigRequest;
import dev.nereid.protocol.proto.ModelReadyRequest;
import dev.nereid.protocol.proto.ModelStatisticsRequest;
import dev.nereid.protocol.proto.RepositoryIndexRequest;
import dev.nereid.protocol.proto.RepositoryIndexResponse;
import dev.nereid.protocol.proto.ServerLiveRequest;
import dev.nereid.protocol.proto.ServerReadyRequest;
import io.grpc.Status;
import io.grpc.stub.StreamObserver;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.BiConsumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Asks one target again and again whether it lives, which models are ready there, and what it
 * counted. {@link #ask} is called by one timer; the answers come one after another.
 */
final class Prober {
  private static final Logger LOG = LoggerFactory.getLogger(Prober.class);

  /** Statistics are asked for with every fourth question, configurations anew with every 60th. */
  private static final int STATISTICS_EVERY = 4;

  private static final int CONFIGS_EVERY = 60;

  private final UpstreamTarget target;
  private final UpstreamOptions.Health health;
  private final Ticker ticker;
  private final CompletableFuture<TargetState> first = new CompletableFuture<>();
  private final AtomicBoolean asking = new AtomicBoolean();

  // confined: one question at a time, handed on by asking
  private int questions;
  private final ExecutionCounts counts = new ExecutionCounts();

  Prober(UpstreamTarget target, UpstreamOptions.Health health, Ticker ticker) {
    this.target = target;
    this.health = health;
    this.ticker = ticker;
  }

  /** Completes when the target was asked once and its models are known, or it gave no answer. */
  CompletableFuture<TargetState> first() {
    return first;
  }

  /** Asks, unless the last question is still open. */
  void ask() {
    if (asking.compareAndSet(false, true)) {
      questions++;
      stub()
          .serverLive(
              ServerLiveRequest.getDefaultInstance(),
              then(
                  (reply, failure) -> {
                    if (reply != null && reply.getLive()) {
                      askIndex();
                    } else if (reply != null) {
                      end(TargetState.STOPPING, "says that it is not live");
                    } else {
                      silent(failure);
                    }
                  }));
    }
  }

  private void silent(Status failure) {
    String text = String.valueOf(failure.getDescription());
    switch (failure.getCode()) {
      case DEADLINE_EXCEEDED ->
          end(TargetState.STUCK, "no answer within " + health.timeout().toMillis() + " ms");
      case UNAVAILABLE -> {
        String cause = failure.getCause() == null ? "" : ": " + failure.getCause().getMessage();
        end(TargetState.UNREACHABLE, text + cause);
        target.reconnect();
      }
      default -> end(TargetState.UNREACHABLE, failure.getCode() + ": " + text);
    }
  }

  private void end(TargetState state, String reason) {
    target.state(state, reason);
    asking.set(false);
    first.complete(state);
  }

  private void askIndex() {
    stub()
        .repositoryIndex(
            RepositoryIndexRequest.newBuilder().setReady(true).build(),
            then(
                (reply, failure) -> {
                  if (reply != null) {
                    askReadiness(ready(reply));
                  } else if (Ending.isStranger(failure.getCode())) {
                    silent(failure);
                  } else {
                    LOG.debug("upstream {}: no index: {}", target.endpoint(), failure);
                    askStatistics();
                  }
                }));
  }

  /**
   * A server that ends withdraws its readiness at first, and that of every model, while they are as
   * ready as before. One that is not ready for want of another model still says yes of this one.
   */
  private void askReadiness(Map<String, List<String>> ready) {
    if (ready.isEmpty()) {
      askConfigs(ready);
      return;
    }
    stub()
        .serverReady(
            ServerReadyRequest.getDefaultInstance(),
            then(
                (reply, _) -> {
                  if (reply == null || reply.getReady()) {
                    askConfigs(ready);
                  } else {
                    askReadinessOf(ready.keySet().iterator().next(), ready);
                  }
                }));
  }

  private void askReadinessOf(String model, Map<String, List<String>> ready) {
    stub()
        .modelReady(
            ModelReadyRequest.newBuilder().setName(model).build(),
            then(
                (reply, _) -> {
                  if (reply == null || reply.getReady()) {
                    askConfigs(ready);
                  } else {
                    end(TargetState.STOPPING, "has withdrawn its readiness");
                  }
                }));
  }

  private static Map<String, List<String>> ready(RepositoryIndexResponse index) {
    Map<String, List<String>> versions = new TreeMap<>();
    for (var entry : index.getModelsList()) {
      if (entry.getState().equals("READY")) {
        versions.computeIfAbsent(entry.getName(), _ -> new ArrayList<>()).add(entry.getVersion());
      }
    }
    return versions;
  }

  private void askConfigs(Map<String, List<String>> ready) {
    Map<String, RemoteModel> models = new HashMap<>();
    List<String> unknown = new ArrayList<>();
    boolean all = questions % CONFIGS_EVERY == 0;
    ready.forEach(
        (name, versions) -> {
          RemoteModel known = target.models().get(name);
          if (!all && known != null && known.versions().equals(versions)) {
            models.put(name, known);
          } else {
            unknown.add(name);
          }
        });
    askConfig(unknown.size(), unknown, ready, models);
  }

  /** One after another; a model whose configuration is not told is not served. */
  private void askConfig(
      int left,
      List<String> unknown,
      Map<String, List<String>> ready,
      Map<String, RemoteModel> models) {
    if (left == 0) {
      target.models(models);
      askStatistics();
      return;
    }
    String name = unknown.get(left - 1);
    stub()
        .modelConfig(
            ModelConfigRequest.newBuilder().setName(name).build(),
            then(
                (reply, failure) -> {
                  if (reply == null) {
                    LOG.warn(
                        "upstream {}: no configuration of '{}': {}",
                        target.endpoint(),
                        name,
                        failure);
                  } else {
                    List<String> versions = ready.getOrDefault(name, List.of());
                    models.put(name, new RemoteModel(name, versions, reply.getConfig()));
                  }
                  askConfig(left - 1, unknown, ready, models);
                }));
  }

  private void askStatistics() {
    if (questions % STATISTICS_EVERY != 1) {
      end(TargetState.LIVE, "");
      return;
    }
    stub()
        .modelStatistics(
            ModelStatisticsRequest.getDefaultInstance(),
            then(
                (reply, _) -> {
                  if (reply != null) {
                    counts.add(reply, this::isEnsemble, ticker.nanos());
                    counts.tell(target);
                  }
                  end(TargetState.LIVE, "");
                }));
  }

  private boolean isEnsemble(String model) {
    RemoteModel known = target.models().get(model);
    return known != null && known.config().hasEnsembleScheduling();
  }

  private GRPCInferenceServiceStub stub() {
    // The first time there is a connection to make as well.
    long patience = health.timeout().toNanos() * (questions == 1 ? 3 : 1);
    return GRPCInferenceServiceGrpc.newStub(target.channel(Lane.NORMAL))
        .withDeadlineAfter(patience, TimeUnit.NANOSECONDS);
  }

  /** Exactly one of both is given to the next step. */
  private static <T> StreamObserver<T> then(BiConsumer<@Nullable T, Status> next) {
    return new StreamObserver<>() {
      private @Nullable T reply;

      @Override
      public void onNext(T value) {
        reply = value;
      }

      @Override
      public void onError(Throwable t) {
        next.accept(null, Status.fromThrowable(t));
      }

      @Override
      public void onCompleted() {
        next.accept(reply, Status.OK);
      }
    };
  }
}
