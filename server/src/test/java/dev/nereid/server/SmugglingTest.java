package dev.nereid.server;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** Requests by which one server is made to see two where another sees one. */
final class SmugglingTest {
  private static final String POST = "POST /v2/models/echo/infer HTTP/1.1\r\nhost: a\r\n";
  private static final String HIDDEN = "GET /v2/hidden HTTP/1.1\r\nhost: a\r\n\r\n";

  @SuppressWarnings("NullAway.Init")
  private static RunningServer server;

  @BeforeAll
  static void start() {
    server = new RunningServer();
  }

  @AfterAll
  static void stop() {
    server.close();
  }

  static Stream<Arguments> tricks() {
    String end = "\r\n\r\n";
    String chunks = "0\r\n\r\n" + HIDDEN;
    return Stream.of(
        Arguments.of(POST + "content-length: 5\r\ntransfer-encoding: chunked" + end + chunks, 400),
        Arguments.of(POST + "transfer-encoding: chunked\r\ncontent-length: 5" + end + chunks, 400),
        Arguments.of(POST + "content-length: 0\r\ncontent-length: 44" + end + HIDDEN, 400),
        Arguments.of(POST + "content-length: 0, 44" + end + HIDDEN, 400),
        Arguments.of(POST + "content-length: +44" + end + HIDDEN, 400),
        Arguments.of(POST + "content-length: 0x2c" + end + HIDDEN, 400),
        Arguments.of(POST + "content-length : 44" + end + HIDDEN, 400),
        Arguments.of(POST + "transfer-encoding: xchunked" + end + chunks, 400),
        Arguments.of(POST + "transfer-encoding: chunked, identity" + end + chunks, 400),
        Arguments.of(POST + "transfer-encoding: identity" + end + HIDDEN, 400),
        Arguments.of(POST + "transfer-encoding : chunked" + end + chunks, 400),
        Arguments.of(POST + "transfer-encoding:\u000bchunked" + end + chunks, 400),
        Arguments.of(POST + "x: y\r\n transfer-encoding: chunked" + end + chunks, 400),
        Arguments.of(POST + "a: b\rtransfer-encoding: chunked" + end + chunks, 400),
        Arguments.of(POST + "a\u0000: b" + end + HIDDEN, 400),
        Arguments.of(
            POST + "transfer-encoding: chunked" + end + "0;\r\nx: y\n\r\n\r\n" + HIDDEN, 400),
        Arguments.of(POST + "transfer-encoding: chunked" + end + "-1\r\n\r\n" + HIDDEN, 400),
        Arguments.of(POST + "transfer-encoding: chunked" + end + "fffffffff\r\n" + HIDDEN, 400));
  }

  @ParameterizedTest
  @MethodSource("tricks")
  void aRequestThatCanBeReadInTwoWaysIsRefusedAndNothingAfterItIsRead(String bytes, int status)
      throws Exception {
    List<Integer> statuses = statuses(bytes);
    assertThat(statuses).as(bytes).hasSizeGreaterThanOrEqualTo(1);
    assertThat(statuses.getFirst()).as(bytes).isBetween(status, 501);
    assertThat(statuses).as(bytes).doesNotContain(404).doesNotContain(200);
    assertThat(server.engine.received).isEmpty();
  }

  @Test
  void anHonestPipelineIsAnsweredInFull() throws Exception {
    assertThat(statuses(HIDDEN + HIDDEN.replace("host", "connection: close\r\nhost")))
        .containsExactly(404, 404);
  }

  /** The status of each answer up to the connection's end, or to the server's silence. */
  private static List<Integer> statuses(String bytes) throws IOException {
    try (Socket socket = new Socket(InetAddress.getLoopbackAddress(), server.http.port())) {
      socket.setSoTimeout(3_000);
      socket.getOutputStream().write(bytes.getBytes(StandardCharsets.ISO_8859_1));
      StringBuilder text = new StringBuilder();
      InputStream in = socket.getInputStream();
      try {
        for (int c = in.read(); c >= 0; c = in.read()) {
          text.append((char) c);
        }
      } catch (IOException e) {
        assertThat(text).as("answered before: %s", e).isNotEmpty();
      }
      return text.toString()
          .lines()
          .filter(line -> line.contains("HTTP/1.1 "))
          .map(line -> line.substring(line.indexOf("HTTP/1.1 ") + 9).substring(0, 3))
          .map(Integer::valueOf)
          .toList();
    }
  }
}
