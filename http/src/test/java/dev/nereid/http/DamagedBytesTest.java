package dev.nereid.http;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.net.InetAddress;
import java.net.Socket;
import java.net.SocketException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Connections whose bytes were damaged at random, in HTTP/1.1 and in HTTP/2. Whatever comes, the
 * server answers or hangs up, goes on serving others, and keeps nothing (see {@link
 * RunningListener#close}). A failure repeats with its seed.
 */
@Timeout(60)
final class DamagedBytesTest {
  private static final int ROUNDS = 150;

  /** What matters to a parser, put in where it does not belong. */
  private static final List<String> SALT =
      List.of("\r\n", "\n", "\r", ":", " ", "\0", "\t", "\r\n\r\n", "chunked", "-1", "ffffffffff");

  @SuppressWarnings("StringConcatToTextBlock") // where a line ends matters here
  private static final List<byte[]> HTTP_1 =
      List.of(
          bytes("GET /a?b=c HTTP/1.1\r\nhost: a\r\nx-request-timeout-ms: 500\r\n\r\n"),
          bytes("POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 5\r\n\r\nhelloGET /next HTTP/1.1"),
          bytes(
              "POST / HTTP/1.1\r\nhost: a\r\nexpect: 100-continue\r\ncontent-length: 2\r\n\r\nab"),
          bytes(
              "POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n"
                  + "3\r\nabc\r\n1a;x=y\r\nabcdefghijklmnopqrstuvwxyz\r\n0\r\nt: u\r\n\r\n"),
          bytes("PUT http://a/b HTTP/1.0\r\ncontent-encoding: gzip\r\ncontent-length: 1\r\n\r\n\0"),
          bytes(
              "GET / HTTP/1.1\r\nhost: a\r\nconnection: Upgrade, HTTP2-Settings\r\n"
                  + "upgrade: h2c\r\nhttp2-settings: AAMAAABkAAQAAP__\r\n\r\n"));

  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3})
  void areAnsweredOrHungUpOnInHttp1(long seed) throws Exception {
    Random random = new Random(seed);
    try (var running = RunningListener.of(RunningListener::echo)) {
      for (int i = 0; i < ROUNDS; i++) {
        byte[] told = talk(running, damaged(HTTP_1.get(i % HTTP_1.size()), random, 0));
        String text = new String(told, StandardCharsets.ISO_8859_1);
        assertThat(text).as("round %d", i).matches("(?s)(|HTTP/1\\.1 \\d\\d\\d .*|\0.*)");
      }
      assertServes(running);
    }
  }

  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3})
  void areAnsweredOrHungUpOnInHttp2(long seed) throws Exception {
    Random random = new Random(seed);
    byte[] session = http2();
    try (var running = RunningListener.of(RunningListener::echo)) {
      for (int i = 0; i < ROUNDS; i++) {
        talk(running, damaged(session, random, RawHttp2.PREFACE.length));
      }
      assertServes(running);
    }
  }

  private static void assertServes(RunningListener running) throws IOException {
    try (Wire wire = running.connect()) {
      assertThat(wire.get("/fine").receive().text()).isEqualTo("GET /fine ");
    }
  }

  /** Says all that, then no more; returns what the server says until it hangs up. */
  private static byte[] talk(RunningListener running, byte[] bytes) throws IOException {
    try (var socket = new Socket(InetAddress.getLoopbackAddress(), running.listener.port())) {
      socket.setSoTimeout(10_000);
      socket.getOutputStream().write(bytes);
      socket.shutdownOutput();
      return socket.getInputStream().readAllBytes();
    } catch (SocketException e) {
      return new byte[0]; // it hung up while we were talking
    }
  }

  /** The bytes with one to four damages behind those that stay. */
  private static byte[] damaged(byte[] whole, Random random, int kept) {
    byte[] bytes = whole;
    for (int left = 1 + random.nextInt(4); left > 0; left--) {
      int at = kept + random.nextInt(Math.max(1, bytes.length - kept));
      int until = Math.min(bytes.length, at + 1 + random.nextInt(12));
      byte[] between =
          switch (random.nextInt(5)) {
            case 0 -> new byte[0];
            case 1 -> bytes(SALT.get(random.nextInt(SALT.size())));
            case 2 -> twice(bytes, at, until);
            case 3 -> noise(random, until - at);
            default -> flipped(bytes, at, until, random);
          };
      bytes = joined(part(bytes, 0, at), between, part(bytes, until, bytes.length));
      if (random.nextInt(8) == 0) {
        bytes = part(bytes, 0, Math.max(kept, random.nextInt(bytes.length + 1)));
      }
    }
    return bytes;
  }

  private static byte[] part(byte[] bytes, int from, int to) {
    byte[] part = new byte[Math.max(0, to - from)];
    System.arraycopy(bytes, Math.min(from, bytes.length), part, 0, part.length);
    return part;
  }

  private static byte[] twice(byte[] bytes, int from, int to) {
    return joined(part(bytes, from, to), part(bytes, from, to));
  }

  private static byte[] noise(Random random, int length) {
    byte[] noise = new byte[length];
    random.nextBytes(noise);
    return noise;
  }

  private static byte[] flipped(byte[] bytes, int from, int to, Random random) {
    byte[] part = part(bytes, from, to);
    if (part.length > 0) {
      part[random.nextInt(part.length)] ^= (byte) (1 << random.nextInt(8));
    }
    return part;
  }

  private static byte[] joined(byte[]... parts) {
    ByteArrayOutputStream all = new ByteArrayOutputStream();
    for (byte[] part : parts) {
      all.writeBytes(part);
    }
    return all.toByteArray();
  }

  private static byte[] bytes(String text) {
    return text.getBytes(StandardCharsets.ISO_8859_1);
  }

  /** A preface, settings, a request without and one with a body, a ping, a window, a reset. */
  private static byte[] http2() {
    byte[] fields = {(byte) 0x82, (byte) 0x86, (byte) 0x84, 0x41, 1, 'a'}; // GET http / a
    byte[] posted = {(byte) 0x83, (byte) 0x86, (byte) 0x84, 0x41, 1, 'a'};
    return joined(
        RawHttp2.PREFACE,
        frame(RawHttp2.SETTINGS, 0, 0, new byte[] {0, 3, 0, 0, 0, 100}),
        frame(RawHttp2.HEADERS, RawHttp2.END_HEADERS | RawHttp2.END_STREAM, 1, fields),
        frame(RawHttp2.HEADERS, RawHttp2.END_HEADERS, 3, posted),
        frame(RawHttp2.DATA, 0, 3, bytes("hel")),
        frame(6, 0, 0, new byte[8]),
        frame(RawHttp2.WINDOW, 0, 0, new byte[] {0, 1, 0, 0}),
        frame(RawHttp2.DATA, RawHttp2.END_STREAM, 3, bytes("lo")),
        frame(RawHttp2.HEADERS, RawHttp2.END_HEADERS, 5, posted),
        frame(RawHttp2.RESET, 0, 5, new byte[] {0, 0, 0, 8}));
  }

  private static byte[] frame(int type, int flags, int stream, byte[] payload) {
    ByteBuffer head = ByteBuffer.allocate(9);
    head.put((byte) (payload.length >> 16)).putShort((short) payload.length);
    head.put((byte) type).put((byte) flags).putInt(stream);
    return joined(head.array(), payload);
  }
}
