package dev.nereid.server;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.nereid.http.RawHttp2;
import io.netty.handler.codec.http2.Http2Headers;
import java.io.IOException;
import java.net.ConnectException;
import java.net.InetAddress;
import java.net.Socket;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What clients are told while the listeners drain. */
@Timeout(60)
final class EndingTest {
  private static final Duration LIMIT = Duration.ofSeconds(30);
  private static final String SERVED = "0";

  private static final String ECHO =
      """
      {"inputs":[{"name":"x","datatype":"FP32","shape":[1,1],"data":[1]}]}\
      """;

  /** The status of one call with an empty message, and its text, of a client that never listens. */
  private static String call(RawHttp2 client, int stream, String method) throws IOException {
    client.head(
        stream,
        "POST",
        "/inference.GRPCInferenceService/" + method,
        false,
        "te",
        "trailers",
        "content-type",
        "application/grpc");
    client.frame(RawHttp2.DATA, RawHttp2.END_STREAM, stream, new byte[5]);
    String status = "";
    boolean ended = false;
    while (!ended) {
      RawHttp2.Frame frame = client.next();
      if (frame.type() != RawHttp2.DATA && frame.type() != RawHttp2.GOAWAY) {
        Http2Headers headers = client.headers(frame);
        CharSequence text = headers.get("grpc-message");
        status = headers.get("grpc-status") + (text == null ? "" : " " + text);
      }
      ended = frame.stream() == stream && frame.ends();
    }
    return status;
  }

  @Test
  void callsOnTheirWayAreServedAndLateOnesRefusedInTritonsWords() throws Exception {
    try (RunningServer server = new RunningServer();
        RawHttp2 client = RawHttp2.begun(server.grpc.port())) {
      assertThat(call(client, 1, "ServerMetadata")).isEqualTo(SERVED);
      var drained = CompletableFuture.supplyAsync(() -> server.grpc.drain(LIMIT));
      while (client.next().type() != RawHttp2.GOAWAY) {
        // what came before it
      }
      int stream = 3;
      String said = call(client, stream, "ServerMetadata");
      assertThat(said).as("sent before it was heard").isEqualTo(SERVED);
      while (said.equals(SERVED)) {
        LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(20));
        stream += 2;
        said = call(client, stream, "ServerMetadata");
      }
      assertThat(said).startsWith("14 GRPC server is shutting down");
      assertThat(call(client, stream + 2, "ModelInfer"))
          .startsWith("14 GRPC server is shutting down");
      assertThat(call(client, stream + 4, "ServerReady")).isEqualTo(SERVED);
      client.hangUp();
      assertThat(drained.get(30, TimeUnit.SECONDS)).isTrue();
      assertThat(server.engine.received).isEmpty();
      assertThat(server.engine.memory.openLeases()).isZero();
    }
  }

  @Test
  void overHttpWhatHasBegunIsAnsweredAndNothingElseComesIn() throws Exception {
    try (RunningServer server = new RunningServer();
        Socket client = new Socket(InetAddress.getLoopbackAddress(), server.http.port())) {
      client.setSoTimeout(20_000);
      server.engine.hold();
      String head = "POST /v2/models/echo/infer HTTP/1.1\r\nhost: a\r\ncontent-length: ";
      client.getOutputStream().write((head + ECHO.length() + "\r\n\r\n" + ECHO).getBytes(UTF_8));
      RunningServer.await("request", () -> !server.engine.received.isEmpty());
      int port = server.http.port();
      var drained = CompletableFuture.supplyAsync(() -> server.http.drain(LIMIT));
      RunningServer.await("closed port", () -> isRefused(port));
      assertThat(drained).isNotDone();
      server.engine.release();
      String answer = new String(client.getInputStream().readAllBytes(), UTF_8);
      assertThat(answer).startsWith("HTTP/1.1 200").contains("connection: close", "x_OUT");
      assertThat(drained.get(30, TimeUnit.SECONDS)).isTrue();
      assertThatThrownBy(() -> new RawConnection(port).close())
          .isInstanceOf(ConnectException.class);
    }
  }

  private static boolean isRefused(int port) {
    try (RawConnection _ = new RawConnection(port)) {
      return false;
    } catch (IOException e) {
      return e instanceof ConnectException;
    }
  }

  /** When the listeners' time was not enough, the engine ends before they do. */
  @Test
  void whatComesToAServerThatHasEndedIsToldSo() throws Exception {
    try (RunningServer server = new RunningServer()) {
      server.engine.live = false;
      for (String path : new String[] {"/v2/health/live", "/v2/health/ready"}) {
        try (RawConnection client = new RawConnection(server.http.port())) {
          assertThat(client.status("GET " + path + " HTTP/1.1\r\nhost: a\r\n\r\n")).isEqualTo(503);
        }
      }
    }
  }
}
