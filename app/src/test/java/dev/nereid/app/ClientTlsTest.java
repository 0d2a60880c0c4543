package dev.nereid.app;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.nereid.client.CallFailure;
import dev.nereid.client.Endpoint;
import dev.nereid.client.EventLoops;
import dev.nereid.client.GrpcInferenceClient;
import dev.nereid.client.GrpcOptions;
import dev.nereid.client.HttpInferenceClient;
import dev.nereid.client.HttpOptions;
import dev.nereid.client.InferCall;
import dev.nereid.client.InferInput;
import dev.nereid.client.InferenceClient;
import dev.nereid.client.InferenceException;
import dev.nereid.client.TlsOptions;
import dev.nereid.core.Shape;
import dev.nereid.http.TestCertificates;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The client library over TLS, to the whole program. */
@Timeout(60)
final class ClientTlsTest {
  private static final TestCertificates AUTHORITY = new TestCertificates("authority");
  private static final TestCertificates STRANGER = new TestCertificates("stranger");

  private final EventLoops loops = EventLoops.of(2);

  @TempDir Path folder;

  private Path roots;

  @BeforeEach
  void certificates() throws Exception {
    AUTHORITY.issue("server").writeTo(file("server.crt"), file("server.key"));
    AUTHORITY.issue("client").writeTo(file("client.crt"), file("client.key"));
    STRANGER.issue("client").writeTo(file("stranger.crt"), file("stranger.key"));
    roots = AUTHORITY.writeRoot(file("roots.crt"));
    Path model = Files.createDirectories(file("models").resolve("steady").resolve("1"));
    Files.writeString(model.resolveSibling("config.pbtxt"), SteadyLoad.MODEL);
  }

  @AfterEach
  void noThreadIsLeft() {
    loops.close();
  }

  private Path file(String name) {
    return folder.resolve(name);
  }

  private RunningProgram server(boolean mutual) throws Exception {
    return new RunningProgram(
        List.of(file("models")),
        "--http-use-ssl=true",
        "--grpc-use-ssl=true",
        "--http-use-ssl-mutual=" + mutual,
        "--grpc-use-ssl-mutual=" + mutual,
        "--grpc-server-cert=" + file("server.crt"),
        "--grpc-server-key=" + file("server.key"),
        "--grpc-root-cert=" + roots);
  }

  private InferenceClient client(RunningProgram program, String protocol, TlsOptions tls) {
    boolean grpc = protocol.equals("grpc");
    int port = grpc ? program.server.grpcPort() : program.server.httpPort();
    Endpoint endpoint = new Endpoint("localhost", port);
    return grpc
        ? new GrpcInferenceClient(GrpcOptions.of(endpoint).withTls(tls), loops)
        : new HttpInferenceClient(HttpOptions.of(endpoint).withTls(tls), loops);
  }

  private static float[] ask(InferenceClient client) throws Exception {
    InferInput input = InferInput.floats("x", Shape.of(1, 4), 1, 2, 3, 4);
    return client
        .infer(InferCall.of("steady", input))
        .get(20, TimeUnit.SECONDS)
        .output("y")
        .floats();
  }

  private static void assertRefused(InferenceClient client, CallFailure.Kind... kinds) {
    assertThatThrownBy(() -> ask(client))
        .isInstanceOf(ExecutionException.class)
        .cause()
        .isInstanceOfSatisfying(
            InferenceException.class, e -> assertThat(e.failure().kind()).isIn((Object[]) kinds));
    assertThat(client.isLive()).isFalse();
  }

  @ParameterizedTest
  @ValueSource(strings = {"http", "grpc"})
  void theServerIsTrustedByItsRootAndByNoOther(String protocol) throws Exception {
    try (RunningProgram program = server(false);
        InferenceClient client = client(program, protocol, TlsOptions.trusting(roots));
        InferenceClient careful = client(program, protocol, TlsOptions.DEFAULT);
        InferenceClient elsewhere =
            client(program, protocol, TlsOptions.trusting(roots).expecting("elsewhere.example"));
        InferenceClient byAddress =
            client(program, protocol, TlsOptions.trusting(roots).expecting("127.0.0.1"))) {
      for (int i = 0; i < 100; i++) {
        assertThat(ask(client)).containsExactly(1, 2, 3, 4);
      }
      assertThat(client.isReady()).isTrue();
      assertThat(client.connections()).as("connections are kept").isLessThanOrEqualTo(2);
      assertRefused(careful, CallFailure.Kind.CONNECT);
      assertRefused(elsewhere, CallFailure.Kind.CONNECT);
      assertThat(ask(byAddress)).containsExactly(1, 2, 3, 4);
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"http", "grpc"})
  void aServerThatAsksForACertificateGetsIt(String protocol) throws Exception {
    TlsOptions trusting = TlsOptions.trusting(roots);
    TlsOptions known = trusting.showing(file("client.crt"), file("client.key"));
    TlsOptions stranger = trusting.showing(file("stranger.crt"), file("stranger.key"));
    try (RunningProgram program = server(true);
        InferenceClient client = client(program, protocol, known);
        InferenceClient nobody = client(program, protocol, trusting);
        InferenceClient other = client(program, protocol, stranger)) {
      assertThat(ask(client)).containsExactly(1, 2, 3, 4);
      // With TLS 1.3 the server refuses when the client thinks that it is through.
      assertRefused(nobody, CallFailure.Kind.CONNECT, CallFailure.Kind.LOST);
      assertRefused(other, CallFailure.Kind.CONNECT, CallFailure.Kind.LOST);
      assertThat(ask(client)).containsExactly(1, 2, 3, 4);
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"http", "grpc"})
  void plainTextToATlsPortFailsAndDoesNotHang(String protocol) throws Exception {
    try (RunningProgram program = server(false);
        InferenceClient plain = protocol.equals("grpc") ? program.grpc(1) : program.http(1)) {
      assertThatThrownBy(() -> ask(plain)).isInstanceOf(ExecutionException.class);
      assertThat(plain.isLive()).isFalse();
    }
  }

  @Test
  void filesThatCannotBeUsedAreSaidWhenTheClientIsMade() {
    Endpoint endpoint = new Endpoint("localhost", 1);
    TlsOptions missing = TlsOptions.trusting(file("nowhere.crt"));
    assertThatThrownBy(
            () -> new HttpInferenceClient(HttpOptions.of(endpoint).withTls(missing), loops).close())
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("nowhere.crt");
    assertThatThrownBy(() -> new TlsOptions(null, file("client.crt"), null, null))
        .hasMessageContaining("expected: both or none");
  }
}
