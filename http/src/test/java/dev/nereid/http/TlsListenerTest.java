package dev.nereid.http;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.nereid.core.FollowedFiles.Look;
import dev.nereid.core.MemoryPool;
import dev.nereid.http.ListenerTls.Offer;
import dev.nereid.http.TestCertificates.Issued;
import dev.nereid.telemetry.Metrics;
import io.netty.handler.ssl.SslProvider;
import java.io.IOException;
import java.net.InetAddress;
import java.net.Socket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Path;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.time.Instant;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicBoolean;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLSocket;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

@Timeout(60)
final class TlsListenerTest {
  private static final TestCertificates AUTHORITY = new TestCertificates("authority");

  @TempDir Path folder;

  private Path certificate() {
    return folder.resolve("server.crt");
  }

  private Path key() {
    return folder.resolve("server.key");
  }

  private ListenerTls tls(boolean mutual) {
    AUTHORITY.issue("server").writeTo(certificate(), key());
    Path roots = AUTHORITY.writeRoot(folder.resolve("roots.crt"));
    TlsFiles files = new TlsFiles(certificate(), key(), roots, mutual);
    return new ListenerTls("test", files, Offer.HTTP, new Metrics());
  }

  private static RunningListener over(ListenerTls tls) {
    return RunningListener.of(RunningListener.options().over(tls), RunningListener::echo);
  }

  private static HttpClient client(@Nullable Issued shown) {
    return HttpClient.newBuilder()
        .sslContext(AUTHORITY.client(shown))
        .version(HttpClient.Version.HTTP_1_1)
        .build();
  }

  private static HttpResponse<String> post(HttpClient client, int port, String body)
      throws Exception {
    HttpRequest request =
        HttpRequest.newBuilder(URI.create("https://127.0.0.1:" + port + "/p"))
            .timeout(Duration.ofSeconds(20))
            .POST(HttpRequest.BodyPublishers.ofString(body))
            .build();
    return client.send(request, BodyHandlers.ofString());
  }

  @Test
  void servesOverTls() throws Exception {
    String large = "x".repeat(3 << 20);
    try (ListenerTls tls = tls(false);
        var running = over(tls);
        HttpClient client = client(null)) {
      int port = running.listener.port();
      assertThat(post(client, port, "hello").body()).isEqualTo("POST /p hello");
      assertThat(post(client, port, large).body()).hasSize(large.length() + 8);
      assertThat(running.listener.drain(Duration.ofSeconds(5))).isTrue();
    }
  }

  @Test
  void asksClientsForACertificateOfTheRoots() throws Exception {
    Issued known = AUTHORITY.issue("client");
    Issued stranger = new TestCertificates("elsewhere").issue("client");
    Issued expired = AUTHORITY.issue("client", Instant.now().minusSeconds(60));
    int refused = 0;
    try (ListenerTls tls = tls(true);
        var running = over(tls)) {
      int port = running.listener.port();
      try (HttpClient client = client(known)) {
        assertThat(post(client, port, "in").statusCode()).isEqualTo(200);
      }
      for (@Nullable Issued shown : new @Nullable Issued[] {null, stranger, expired}) {
        try (HttpClient client = client(shown)) {
          assertThatThrownBy(() -> post(client, port, "in")).isInstanceOf(IOException.class);
        }
        int so = ++refused;
        RunningListener.await(() -> running.counted.handshakes.get() == so);
      }
      assertThat(running.counted.answered.get()).isEqualTo(1);
    }
  }

  @Test
  void takesNoOldTlsAndNoPlainText() throws Exception {
    try (ListenerTls tls = tls(false);
        var running = over(tls)) {
      int port = running.listener.port();
      try (SSLSocket socket = socket(AUTHORITY.client(null), port)) {
        assertThat(socket.getSession().getProtocol()).isEqualTo("TLSv1.3");
      }
      try (Wire wire = running.connect()) {
        wire.get("/plain");
        assertThat(wire.isEndedOrRefused()).isTrue();
      }
      byte[] hello = clientHello(0x0302); // TLS 1.1, which clients of today do not even offer
      try (Socket socket = new Socket(InetAddress.getLoopbackAddress(), port)) {
        socket.setSoTimeout(10_000);
        socket.getOutputStream().write(hello);
        assertThat(socket.getInputStream().read()).as("an alert").isEqualTo(0x15);
      }
      RunningListener.await(() -> running.counted.handshakes.get() == 2);
      assertThat(running.counted.answered.get()).isZero();
    }
  }

  /** A client's first record that offers nothing newer than that version. */
  private static byte[] clientHello(int version) {
    byte[] hello = new byte[5 + 4 + 2 + 32 + 1 + 2 + 2 + 2];
    hello[0] = 0x16;
    hello[1] = 3;
    hello[2] = 1;
    hello[4] = (byte) (hello.length - 5);
    hello[5] = 1;
    hello[8] = (byte) (hello.length - 9);
    hello[9] = (byte) (version >> 8);
    hello[10] = (byte) version;
    hello[45] = 2; // one cipher suite: ECDHE-ECDSA-AES128-SHA
    hello[46] = (byte) 0xc0;
    hello[47] = 0x09;
    hello[48] = 1; // no compression
    return hello;
  }

  private static SSLSocket socket(SSLContext context, int port) throws IOException {
    SSLSocket socket =
        (SSLSocket) context.getSocketFactory().createSocket(InetAddress.getLoopbackAddress(), port);
    socket.setSoTimeout(10_000);
    socket.startHandshake();
    return socket;
  }

  private static String shown(SSLContext context, int port) throws IOException {
    try (SSLSocket socket = socket(context, port)) {
      X509Certificate leaf = (X509Certificate) socket.getSession().getPeerCertificates()[0];
      return leaf.getSubjectX500Principal().getName();
    }
  }

  @Test
  void tenChangesOfTheCertificateUnderLoadFailNoRequest() throws Exception {
    var stop = new AtomicBoolean();
    try (ListenerTls tls = tls(false);
        var running = over(tls);
        ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
      int port = running.listener.port();
      Future<Integer> kept = threads.submit(() -> load(port, stop, false));
      Future<Integer> fresh = threads.submit(() -> load(port, stop, true));
      try {
        for (int change = 1; change <= 10; change++) {
          int before = running.counted.answered.get();
          RunningListener.await(
              () -> running.counted.answered.get() > before + 5 || kept.isDone() || fresh.isDone());
          AUTHORITY.issue("server" + change).writeTo(certificate(), key());
          assertThat(tls.look()).isEqualTo(Look.CHANGING);
          assertThat(tls.look()).isEqualTo(Look.TAKEN);
          assertThat(shown(AUTHORITY.client(null), port)).isEqualTo("CN=server" + change);
        }
      } finally {
        stop.set(true);
      }
      assertThat(kept.get()).isPositive();
      assertThat(fresh.get()).isPositive();
    }
  }

  /** Sends until told to stop, over one connection or over a new one each time. */
  private static int load(int port, AtomicBoolean stop, boolean reconnect) throws Exception {
    int sent = 0;
    HttpClient client = client(null);
    try {
      while (!stop.get()) {
        assertThat(post(client, port, "load" + sent).body()).isEqualTo("POST /p load" + sent);
        sent++;
        if (reconnect) {
          client.close();
          client = client(null);
        }
      }
    } finally {
      client.close();
    }
    return sent;
  }

  @Test
  void aHandshakeThatDoesNotComeEndsWithTheIdleTime() throws Exception {
    var hasty =
        RunningListener.options()
            .with(
                new ListenerOptions.Timeouts(
                    Duration.ofMillis(100), Duration.ofSeconds(60), 1 << 20, Duration.ZERO));
    try (ListenerTls tls = tls(false);
        var running = RunningListener.of(hasty.over(tls), RunningListener::echo);
        Wire wire = running.connect()) {
      assertThat(wire.isEndedOrRefused()).isTrue();
    }
  }

  @ParameterizedTest
  @EnumSource(
      value = SslProvider.class,
      names = {"JDK", "OPENSSL_REFCNT"})
  void worksOnNioWithEitherTls(SslProvider provider) throws Exception {
    AUTHORITY.issue("server").writeTo(certificate(), key());
    MemoryPool memory = new MemoryPool(MemoryPool.Limits.DEFAULT);
    try (ListenerTls tls =
            new ListenerTls(
                "test", TlsFiles.of(certificate(), key()), Offer.HTTP, new Metrics(), provider);
        EventLoops loops = EventLoops.startNio(1)) {
      HttpListener listener =
          new HttpListener(
              RunningListener.options().over(tls),
              ListenerServices.of(loops, memory),
              RunningListener::echo);
      listener.start();
      try (listener;
          HttpClient client = client(null)) {
        assertThat(post(client, listener.port(), "nio").statusCode()).isEqualTo(200);
        AUTHORITY.issue("next").writeTo(certificate(), key());
        assertThat(tls.look()).isEqualTo(Look.CHANGING);
        assertThat(tls.look()).isEqualTo(Look.TAKEN);
        assertThat(shown(AUTHORITY.client(null), listener.port())).isEqualTo("CN=next");
      }
    }
    memory.close();
  }
}
