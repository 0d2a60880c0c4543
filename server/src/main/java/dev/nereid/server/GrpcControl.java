package dev.nereid.server;

import dev.nereid.core.Fault;
import dev.nereid.core.FaultException;
import dev.nereid.engine.Engine;
import dev.nereid.protocol.Arrival;
import dev.nereid.protocol.GrpcStatusOf;
import dev.nereid.protocol.proto.GRPCInferenceServiceGrpc.GRPCInferenceServiceImplBase;
import dev.nereid.protocol.proto.LogSettingsRequest;
import dev.nereid.protocol.proto.LogSettingsResponse;
import dev.nereid.protocol.proto.ModelConfigRequest;
import dev.nereid.protocol.proto.ModelConfigResponse;
import dev.nereid.protocol.proto.ModelMetadataRequest;
import dev.nereid.protocol.proto.ModelMetadataResponse;
import dev.nereid.protocol.proto.ModelReadyRequest;
import dev.nereid.protocol.proto.ModelReadyResponse;
import dev.nereid.protocol.proto.ModelStatisticsRequest;
import dev.nereid.protocol.proto.ModelStatisticsResponse;
import dev.nereid.protocol.proto.RepositoryIndexRequest;
import dev.nereid.protocol.proto.RepositoryIndexResponse;
import dev.nereid.protocol.proto.RepositoryModelLoadRequest;
import dev.nereid.protocol.proto.RepositoryModelLoadResponse;
import dev.nereid.protocol.proto.RepositoryModelUnloadRequest;
import dev.nereid.protocol.proto.RepositoryModelUnloadResponse;
import dev.nereid.protocol.proto.ServerLiveRequest;
import dev.nereid.protocol.proto.ServerLiveResponse;
import dev.nereid.protocol.proto.ServerMetadataRequest;
import dev.nereid.protocol.proto.ServerMetadataResponse;
import dev.nereid.protocol.proto.ServerReadyRequest;
import dev.nereid.protocol.proto.ServerReadyResponse;
import io.grpc.Status;
import io.grpc.health.v1.HealthCheckRequest;
import io.grpc.health.v1.HealthCheckResponse;
import io.grpc.health.v1.HealthCheckResponse.ServingStatus;
import io.grpc.health.v1.HealthGrpc.HealthImplBase;
import io.grpc.stub.StreamObserver;
import java.util.function.Supplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Every call of v2 over gRPC but inference; a virtual thread each, since they may block. */
final class GrpcControl extends GRPCInferenceServiceImplBase {
  private static final Logger LOG = LoggerFactory.getLogger(GrpcControl.class);

  private final Engine engine;
  private final ControlPlane control;
  private final Logging logging;

  GrpcControl(Engine engine, ServerIdentity identity, LogControl log) {
    this.engine = engine;
    logging = new Logging(log);
    control = new ControlPlane(engine, identity);
  }

  @Override
  public void serverLive(ServerLiveRequest request, StreamObserver<ServerLiveResponse> observer) {
    answer(observer, () -> ServerLiveResponse.newBuilder().setLive(engine.isLive()).build());
  }

  @Override
  public void serverReady(
      ServerReadyRequest request, StreamObserver<ServerReadyResponse> observer) {
    answer(observer, () -> ServerReadyResponse.newBuilder().setReady(isReady(engine)).build());
  }

  private static boolean isReady(Engine engine) {
    return engine.isLive() && engine.isReady();
  }

  @Override
  public void modelReady(ModelReadyRequest request, StreamObserver<ModelReadyResponse> observer) {
    answer(
        observer,
        () -> {
          long version = Arrival.version(request.getVersion());
          boolean ready = engine.isReady(request.getName(), version);
          return ModelReadyResponse.newBuilder().setReady(ready).build();
        });
  }

  @Override
  public void serverMetadata(
      ServerMetadataRequest request, StreamObserver<ServerMetadataResponse> observer) {
    answer(observer, control::server);
  }

  @Override
  public void modelMetadata(
      ModelMetadataRequest request, StreamObserver<ModelMetadataResponse> observer) {
    answer(observer, () -> control.model(request.getName(), Arrival.version(request.getVersion())));
  }

  @Override
  public void modelConfig(
      ModelConfigRequest request, StreamObserver<ModelConfigResponse> observer) {
    answer(
        observer,
        () -> {
          long version = Arrival.version(request.getVersion());
          return ModelConfigResponse.newBuilder()
              .setConfig(engine.config(request.getName(), version))
              .build();
        });
  }

  @Override
  public void modelStatistics(
      ModelStatisticsRequest request, StreamObserver<ModelStatisticsResponse> observer) {
    answer(
        observer,
        () -> control.statistics(request.getName(), Arrival.version(request.getVersion())));
  }

  @Override
  public void repositoryIndex(
      RepositoryIndexRequest request, StreamObserver<RepositoryIndexResponse> observer) {
    answer(observer, () -> control.index(request.getReady()));
  }

  @Override
  public void repositoryModelLoad(
      RepositoryModelLoadRequest request, StreamObserver<RepositoryModelLoadResponse> observer) {
    answer(
        observer,
        () -> {
          RepositoryCalls.requireNoRepository(request.getRepositoryName());
          engine.load(request.getModelName(), RepositoryCalls.loadOf(request.getParametersMap()));
          return RepositoryModelLoadResponse.getDefaultInstance();
        });
  }

  @Override
  public void repositoryModelUnload(
      RepositoryModelUnloadRequest request,
      StreamObserver<RepositoryModelUnloadResponse> observer) {
    answer(
        observer,
        () -> {
          RepositoryCalls.requireNoRepository(request.getRepositoryName());
          engine.unload(
              request.getModelName(),
              RepositoryCalls.unloadsDependentsOf(request.getParametersMap()));
          return RepositoryModelUnloadResponse.getDefaultInstance();
        });
  }

  @Override
  public void logSettings(
      LogSettingsRequest request, StreamObserver<LogSettingsResponse> observer) {
    answer(observer, () -> logging.call(request));
  }

  /** The standard health service: one status, whatever the service asked for. */
  static final class Health extends HealthImplBase {
    private final Engine engine;

    Health(Engine engine) {
      this.engine = engine;
    }

    @Override
    public void check(HealthCheckRequest request, StreamObserver<HealthCheckResponse> observer) {
      answer(
          observer,
          () -> {
            ServingStatus status =
                isReady(engine) ? ServingStatus.SERVING : ServingStatus.NOT_SERVING;
            return HealthCheckResponse.newBuilder().setStatus(status).build();
          });
    }
  }

  private static <T> void answer(StreamObserver<T> observer, Supplier<T> call) {
    var _ =
        Thread.startVirtualThread(
            () -> {
              T response;
              try {
                response = call.get();
              } catch (FaultException e) {
                observer.onError(GrpcStatusOf.failure(e.failure()).asRuntimeException());
                return;
              } catch (RuntimeException e) {
                LOG.error("a control call failed", e);
                Status status = GrpcStatusOf.failure(Fault.INTERNAL.with("internal error"));
                observer.onError(status.asRuntimeException());
                return;
              }
              observer.onNext(response);
              observer.onCompleted();
            });
  }
}
