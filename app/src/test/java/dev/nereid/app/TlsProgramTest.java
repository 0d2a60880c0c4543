package dev.nereid.app;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.nereid.core.FaultException;
import dev.nereid.http.TestCertificates;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.net.InetAddress;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodyHandlers;
import java.net.http.HttpTimeoutException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLSocket;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine;

/** The whole program over TLS, with the files watched as an operator has them. */
@Timeout(60)
final class TlsProgramTest {
  private static final TestCertificates AUTHORITY = new TestCertificates("authority");

  @TempDir Path folder;

  private Path file(String name) {
    return folder.resolve(name);
  }

  private ServeOptions options(String... more) throws IOException {
    List<String> arguments = new ArrayList<>(List.of("--access-log=off"));
    arguments.add("--model-repository=" + Files.createDirectories(file("models")));
    arguments.add("--grpc-server-cert=" + file("server.crt"));
    arguments.add("--grpc-server-key=" + file("server.key"));
    for (String listener : List.of("http", "grpc", "metrics", "gateway")) {
      arguments.add("--" + listener + "-address=127.0.0.1");
      arguments.add("--" + listener + "-port=0");
      arguments.add("--" + listener + "-use-ssl=true");
    }
    arguments.addAll(List.of(more));
    ServeFlags flags = new ServeFlags();
    new CommandLine(flags).parseArgs(arguments.toArray(String[]::new));
    return flags.options(installation());
  }

  private Installation installation() {
    return new Installation(folder, null, "1.2.3");
  }

  /** Whom the certificate that a port shows is for. */
  static String shown(SSLContext context, int port) throws IOException {
    try (SSLSocket socket =
        (SSLSocket)
            context.getSocketFactory().createSocket(InetAddress.getLoopbackAddress(), port)) {
      socket.setSoTimeout(10_000);
      socket.startHandshake();
      X509Certificate leaf = (X509Certificate) socket.getSession().getPeerCertificates()[0];
      return leaf.getSubjectX500Principal().getName();
    }
  }

  @Test
  void everyPortSpeaksTlsAndTakesANewCertificate() throws Exception {
    AUTHORITY.issue("old").writeTo(file("server.crt"), file("server.key"));
    SSLContext trusting = AUTHORITY.client(null);
    ServeOptions options = options();
    try (Server server = Server.start(options, installation());
        HttpClient client = HttpClient.newBuilder().sslContext(trusting).build()) {
      server.engine().started().get(10, TimeUnit.SECONDS);
      assertThat(get(client, server.httpPort(), "/v2/health/ready")).isEmpty();
      assertThat(get(client, server.gatewayPort(), "/healthz")).isNotEmpty();
      assertThat(get(client, server.metricsPort(), "/metrics"))
          .contains("nereid_tls_certificate_not_after_seconds{listener=\"gateway\"}");
      StringWriter text = new StringWriter();
      new Banner(options, server, installation()).printAddresses(new PrintWriter(text));
      assertThat(text.toString()).contains("https://127.0.0.1:" + server.httpPort(), "(TLS)");
      AUTHORITY.issue("new").writeTo(file("server.crt"), file("server.key"));
      for (int port :
          List.of(
              server.httpPort(), server.grpcPort(), server.metricsPort(), server.gatewayPort())) {
        while (!shown(trusting, port).equals("CN=new")) {
          LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(50));
        }
      }
      assertThat(get(client, server.httpPort(), "/v2")).contains("1.2.3");
    }
  }

  @Test
  void everyPortAsksForCertificatesOfTheRootsAndTakesNewRoots() throws Exception {
    TestCertificates others = new TestCertificates("others");
    AUTHORITY.issue("server").writeTo(file("server.crt"), file("server.key"));
    AUTHORITY.writeRoot(file("clients.crt"));
    SSLContext known = AUTHORITY.client(AUTHORITY.issue("camera"));
    SSLContext other = AUTHORITY.client(others.issue("camera"));
    SSLContext nobody = AUTHORITY.client(null);
    ServeOptions options =
        options(
            "--grpc-root-cert=" + file("clients.crt"),
            "--http-use-ssl-mutual=true",
            "--grpc-use-ssl-mutual=true",
            "--metrics-use-ssl-mutual=true",
            "--gateway-use-ssl-mutual=true");
    try (Server server = Server.start(options, installation())) {
      server.engine().started().get(10, TimeUnit.SECONDS);
      List<URI> places =
          List.of(
              at(server.httpPort(), "/v2/health/live"),
              at(server.metricsPort(), "/metrics"),
              at(server.gatewayPort(), "/healthz"),
              at(server.grpcPort(), "/")); // answers that it wants POST
      for (URI place : places) {
        assertThat(isAnswered(known, place)).as("%s, known", place).isTrue();
        assertThat(isAnswered(other, place)).as("%s, of another authority", place).isFalse();
        assertThat(isAnswered(nobody, place)).as("%s, without", place).isFalse();
      }
      others.writeRoot(file("clients.crt"));
      for (URI place : places) {
        while (!isAnswered(other, place)) {
          LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(50));
        }
        assertThat(isAnswered(known, place)).as("%s, no longer known", place).isFalse();
      }
    }
  }

  private static URI at(int port, String path) {
    return URI.create("https://127.0.0.1:" + port + path);
  }

  /** Whether anything is answered on a new connection; false when the handshake is refused. */
  private static boolean isAnswered(SSLContext context, URI place) throws InterruptedException {
    HttpRequest request = HttpRequest.newBuilder(place).timeout(Duration.ofSeconds(20)).build();
    try (HttpClient client = HttpClient.newBuilder().sslContext(context).build()) {
      return client.send(request, BodyHandlers.discarding()).statusCode() > 0;
    } catch (HttpTimeoutException e) {
      throw new AssertionError("neither answered nor refused: " + place, e);
    } catch (IOException e) {
      return false;
    }
  }

  @Test
  void filesThatDoNotFitAreSaidAtTheStart() throws Exception {
    AUTHORITY.issue("one").writeTo(file("server.crt"), file("unused"));
    AUTHORITY.issue("two").writeTo(file("unused"), file("server.key"));
    ServeOptions options = options();
    assertThatThrownBy(() -> Server.start(options, installation()).close())
        .isInstanceOf(FaultException.class)
        .hasMessageContaining("server.key: not the key of the first certificate in");
  }

  private static String get(HttpClient client, int port, String path) throws Exception {
    HttpRequest request =
        HttpRequest.newBuilder(URI.create("https://127.0.0.1:" + port + path))
            .timeout(Duration.ofSeconds(20))
            .build();
    var answer = client.send(request, BodyHandlers.ofString());
    assertThat(answer.statusCode()).isEqualTo(200);
    return answer.body();
  }
}
