package dev.nereid.server;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.nereid.core.FollowedFiles.Look;
import dev.nereid.http.ListenerTls;
import dev.nereid.http.ListenerTls.Offer;
import dev.nereid.http.TestCertificates;
import dev.nereid.http.TestCertificates.Issued;
import dev.nereid.http.TlsFiles;
import dev.nereid.protocol.proto.GRPCInferenceServiceGrpc;
import dev.nereid.protocol.proto.GRPCInferenceServiceGrpc.GRPCInferenceServiceBlockingStub;
import dev.nereid.protocol.proto.ServerLiveRequest;
import io.grpc.ManagedChannel;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.netty.GrpcSslContexts;
import io.grpc.netty.NettyChannelBuilder;
import io.netty.handler.ssl.SslContextBuilder;
import java.nio.file.Path;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(60)
final class GrpcTlsTest {
  private static final TestCertificates AUTHORITY = new TestCertificates("authority");

  @TempDir Path folder;

  private Path file(String name) {
    return folder.resolve(name);
  }

  private ListenerTls tls(boolean mutual, RunningServer plain) {
    AUTHORITY.issue("server").writeTo(file("server.crt"), file("server.key"));
    Path roots = AUTHORITY.writeRoot(file("roots.crt"));
    TlsFiles files = new TlsFiles(file("server.crt"), file("server.key"), roots, mutual);
    return new ListenerTls("grpc", files, Offer.GRPC, plain.metrics);
  }

  private ManagedChannel channel(int port, @Nullable Issued shown) throws Exception {
    SslContextBuilder client = GrpcSslContexts.forClient().trustManager(file("roots.crt").toFile());
    if (shown != null) {
      client.keyManager(shown.keys().getPrivate(), shown.certificate());
    }
    return NettyChannelBuilder.forAddress("localhost", port).sslContext(client.build()).build();
  }

  private static boolean isLive(ManagedChannel channel) {
    GRPCInferenceServiceBlockingStub stub = GRPCInferenceServiceGrpc.newBlockingStub(channel);
    return stub.withDeadlineAfter(20, TimeUnit.SECONDS)
        .serverLive(ServerLiveRequest.getDefaultInstance())
        .getLive();
  }

  @Test
  void asksClientsForACertificateOfTheRoots() throws Exception {
    try (RunningServer plain = new RunningServer();
        ListenerTls tls = tls(true, plain);
        GrpcListener listener = plain.grpc(GrpcOptions.of(0).over(tls))) {
      ManagedChannel known = channel(listener.port(), AUTHORITY.issue("client"));
      assertThat(isLive(known)).isTrue();
      known.shutdownNow();
      Issued stranger = new TestCertificates("elsewhere").issue("client");
      for (@Nullable Issued shown : new @Nullable Issued[] {null, stranger}) {
        ManagedChannel refused = channel(listener.port(), shown);
        assertThatThrownBy(() -> isLive(refused))
            .isInstanceOfSatisfying(
                StatusRuntimeException.class,
                e -> assertThat(e.getStatus().getCode()).isEqualTo(Status.Code.UNAVAILABLE));
        refused.shutdownNow();
      }
    }
  }

  @Test
  void tenChangesOfTheCertificateUnderLoadFailNoCall() throws Exception {
    var stop = new AtomicBoolean();
    var answered = new AtomicInteger();
    try (RunningServer plain = new RunningServer();
        ListenerTls tls = tls(false, plain);
        GrpcListener listener = plain.grpc(GrpcOptions.of(0).over(tls));
        ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
      int port = listener.port();
      Future<?> kept = threads.submit(() -> load(port, stop, answered, false));
      Future<?> fresh = threads.submit(() -> load(port, stop, answered, true));
      for (int change = 1; change <= 10; change++) {
        int before = answered.get();
        RunningServer.await("calls", () -> answered.get() > before + 10);
        AUTHORITY.issue("server" + change).writeTo(file("server.crt"), file("server.key"));
        assertThat(tls.look()).isEqualTo(Look.CHANGING);
        assertThat(tls.look()).isEqualTo(Look.TAKEN);
      }
      stop.set(true);
      kept.get();
      fresh.get();
    }
  }

  /** Calls until told to stop, over one connection or over a new one each time. */
  private @Nullable Void load(
      int port, AtomicBoolean stop, AtomicInteger answered, boolean reconnect) throws Exception {
    ManagedChannel channel = channel(port, null);
    while (!stop.get()) {
      assertThat(isLive(channel)).isTrue();
      answered.incrementAndGet();
      if (reconnect) {
        channel.shutdownNow();
        channel = channel(port, null);
      }
    }
    channel.shutdownNow();
    return null;
  }
}
