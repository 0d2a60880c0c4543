package dev.nereid.bench;

import java.io.BufferedInputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.Locale;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;
import java.util.function.LongFunction;

/**
 * A v2 server over plain sockets that does exactly what a script says, and says of itself what the
 * script implies: its processor time is 100 us per request, its batches are all of four, and its
 * phases take 1, 2 and 3 ms. Shares no code with the tool.
 */
final class KnownServer implements AutoCloseable {
  static final double CPU_MICROS = 100;
  private static final int BATCH = 4;

  /** What to do with one inference. */
  sealed interface Act {
    /** Answers with the input as output, after a while. */
    record Answer(long nanos) implements Act {}

    /** Answers with another input's values. */
    record AnswerWrongly() implements Act {}

    /** Answers with an error status. */
    record Refuse(int status) implements Act {}

    /** Closes the connection. */
    record HangUp() implements Act {}
  }

  private final ServerSocket socket;
  private final LongFunction<Act> script;
  final AtomicLong inferences = new AtomicLong();
  volatile long openLeases;

  /** A server that asks the script about each inference by its number, from 1. */
  KnownServer(LongFunction<Act> script) {
    this.script = script;
    try {
      socket = new ServerSocket(0, 1024, InetAddress.getLoopbackAddress());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    Thread.ofVirtual().start(this::accept);
  }

  String url() {
    return "http://127.0.0.1:" + socket.getLocalPort();
  }

  private void accept() {
    while (!socket.isClosed()) {
      try {
        Socket connection = socket.accept();
        Thread.ofVirtual().start(() -> serve(connection));
      } catch (IOException e) {
        return;
      }
    }
  }

  private void serve(Socket connection) {
    try (connection) {
      connection.setTcpNoDelay(true);
      InputStream in = new BufferedInputStream(connection.getInputStream());
      while (answer(in, connection.getOutputStream())) {
        // The next request of the connection.
      }
    } catch (IOException e) {
      // The peer is gone.
    }
  }

  private boolean answer(InputStream in, OutputStream out) throws IOException {
    String path = line(in).split(" ", -1)[1];
    int length = 0;
    int json = 0;
    for (String line = line(in); !line.isEmpty(); line = line(in)) {
      String lower = line.toLowerCase(Locale.ROOT);
      String value = line.substring(line.indexOf(':') + 1).strip();
      length = lower.startsWith("content-length:") ? Integer.parseInt(value) : length;
      json = lower.startsWith("inference-header-content-length:") ? Integer.parseInt(value) : json;
    }
    byte[] body = in.readNBytes(length);
    if (body.length < length) {
      return false;
    }
    String text = new String(body, StandardCharsets.ISO_8859_1);
    if (path.equals("/v2/models/bad/infer") || text.contains("no-such-input")) {
      write(out, 400, "", "{\"error\":\"refused\"}".getBytes(StandardCharsets.UTF_8));
      return true;
    }
    if (path.endsWith("/infer") || path.equals("/detect")) {
      return infer(body, json, out);
    }
    write(out, 200, "", control(path).getBytes(StandardCharsets.UTF_8));
    return true;
  }

  private boolean infer(byte[] body, int json, OutputStream out) throws IOException {
    switch (script.apply(inferences.incrementAndGet())) {
      case Act.Answer(long nanos) -> {
        LockSupport.parkNanos(nanos);
        writeTensor(out, body, json);
      }
      case Act.AnswerWrongly() -> {
        spoil(body, json);
        writeTensor(out, body, json);
      }
      case Act.Refuse(int status) ->
          write(out, status, "", "{\"error\":\"scripted\"}".getBytes(StandardCharsets.UTF_8));
      case Act.HangUp() -> {
        return false;
      }
    }
    return true;
  }

  /** Changes the exponent of the last float, or the first digit of the first number. */
  private static void spoil(byte[] body, int json) {
    if (json > 0) {
      body[body.length - 1] ^= 0x40;
    } else {
      body[new String(body, StandardCharsets.ISO_8859_1).indexOf("\"data\":[") + 8] = '9';
    }
  }

  private static void writeTensor(OutputStream out, byte[] body, int json) throws IOException {
    String text = new String(body, StandardCharsets.ISO_8859_1);
    int data = json > 0 ? -1 : text.indexOf("\"data\":[");
    if (data > 0) {
      String values = text.substring(data, text.indexOf(']', data) + 1);
      String reply =
          "{\"model_name\":\"m\",\"outputs\":[{\"name\":\"y\",\"datatype\":\"FP32\",\"shape\":[1,4],"
              + values
              + "}]}";
      write(out, 200, "", reply.getBytes(StandardCharsets.US_ASCII));
      return;
    }
    if (json == 0) {
      write(
          out,
          200,
          "",
          ("{\"detections\":[{\"x1\":0.25}],\"total_time_ms\":" + System.nanoTime() + "}")
              .getBytes(StandardCharsets.UTF_8));
      return;
    }
    String head =
        "{\"model_name\":\"m\",\"model_version\":\"1\",\"outputs\":[{\"name\":\"y\",\"datatype\":\"FP32\",\"shape\":[1,4],"
            + "\"parameters\":{\"binary_data_size\":16}}]}";
    byte[] reply = new byte[head.length() + 16];
    System.arraycopy(head.getBytes(StandardCharsets.US_ASCII), 0, reply, 0, head.length());
    System.arraycopy(body, json, reply, head.length(), 16);
    write(out, 200, "Inference-Header-Content-Length: " + head.length() + "\r\n", reply);
  }

  private String control(String path) {
    long count = inferences.get();
    return switch (path) {
      case "/v2/models/m", "/v2/models/bad" ->
          """
          {"name":"%s","versions":["1"],"platform":"x","outputs":[],
           "inputs":[{"name":"x","datatype":"FP32","shape":[-1,4]}]}"""
              .formatted(path.substring(path.lastIndexOf('/') + 1));
      case "/v2/models/stats" ->
          """
          {"model_stats":[{"name":"m","version":"1","inference_count":%d,"execution_count":%d,
           "inference_stats":{"success":{"count":%d,"ns":0}},
           "batch_stats":[{"batch_size":4,"compute_infer":{"count":%d,"ns":0}}]}]}"""
              .formatted(count, count / BATCH, count, count / BATCH);
      case "/metrics" ->
          phases("nereid_request_phase_seconds", "listener=\"http\"", count)
              + phases("nereid_phase_seconds", "model=\"m\",version=\"1\"", count)
              + "# HELP\nprocess_cpu_seconds_total "
              + count * CPU_MICROS / 1e6
              + "\nprocess_resident_memory_bytes 5e7\nnereid_open_leases "
              + openLeases
              + "\n";
      default -> "{}";
    };
  }

  /** Queued for 1 ms, computed for 3 ms, and every fourth decoded for 2 ms. */
  private static String phases(String family, String labels, long count) {
    long decoded = count / 4;
    return """
        %1$s_sum{%2$s,phase="compute"} %3$s
        %1$s_count{%2$s,phase="compute"} %4$d
        %1$s_sum{%2$s,phase="decode"} %5$s
        %1$s_count{%2$s,phase="decode"} %6$d
        %1$s_sum{%2$s,phase="queue"} %7$s
        %1$s_count{%2$s,phase="queue"} %4$d
        """
        .formatted(family, labels, count * 3e-3, count, decoded * 2e-3, decoded, count * 1e-3);
  }

  private static void write(OutputStream out, int status, String headers, byte[] body)
      throws IOException {
    String head =
        "HTTP/1.1 " + status + " X\r\n" + headers + "Content-Length: " + body.length + "\r\n\r\n";
    byte[] all = new byte[head.length() + body.length];
    System.arraycopy(head.getBytes(StandardCharsets.US_ASCII), 0, all, 0, head.length());
    System.arraycopy(body, 0, all, head.length(), body.length);
    out.write(all);
    out.flush();
  }

  private static String line(InputStream in) throws IOException {
    StringBuilder line = new StringBuilder();
    for (int c = in.read(); c != '\n'; c = in.read()) {
      if (c < 0) {
        throw new EOFException();
      }
      if (c != '\r') {
        line.append((char) c);
      }
    }
    return line.toString();
  }

  @Override
  public void close() {
    try {
      socket.close();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
