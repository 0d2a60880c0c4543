package dev.nereid.client;

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
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Function;

/** An HTTP/1.1 server over plain sockets, a virtual thread each; shares no code with the client. */
final class PlainHttpServer implements AutoCloseable {
  @SuppressWarnings("ArrayRecordComponent") // never compared
  record Request(String verb, String path, Map<String, String> headers, byte[] body) {}

  /** A status of 0 closes the connection instead of answering. */
  @SuppressWarnings("ArrayRecordComponent") // never compared
  record Response(int status, Map<String, String> headers, byte[] body) {
    static Response of(int status, String body) {
      return new Response(status, Map.of(), body.getBytes(StandardCharsets.UTF_8));
    }
  }

  private final ServerSocket socket;
  private final Thread accepting;
  private final Function<Request, Response> handler;
  final AtomicInteger accepted = new AtomicInteger();

  PlainHttpServer(Function<Request, Response> handler) {
    this.handler = handler;
    try {
      socket = new ServerSocket(0, 1024, InetAddress.getLoopbackAddress());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    accepting = Thread.ofVirtual().start(this::accept);
  }

  Endpoint endpoint() {
    return new Endpoint("127.0.0.1", socket.getLocalPort());
  }

  private void accept() {
    while (!socket.isClosed()) {
      try {
        Socket connection = socket.accept();
        accepted.incrementAndGet();
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
      OutputStream out = connection.getOutputStream();
      while (true) {
        Response response = handler.apply(read(in));
        if (response.status() == 0) {
          return;
        }
        StringBuilder head = new StringBuilder("HTTP/1.1 " + response.status() + " X\r\n");
        response
            .headers()
            .forEach((name, value) -> head.append(name).append(": ").append(value).append("\r\n"));
        head.append("Content-Length: ").append(response.body().length).append("\r\n\r\n");
        out.write(head.toString().getBytes(StandardCharsets.US_ASCII));
        out.write(response.body());
        out.flush();
      }
    } catch (IOException e) {
      // The peer is gone.
    }
  }

  private static Request read(InputStream in) throws IOException {
    String[] first = line(in).split(" ", -1);
    Map<String, String> headers = new TreeMap<>(String.CASE_INSENSITIVE_ORDER);
    for (String line = line(in); !line.isEmpty(); line = line(in)) {
      int colon = line.indexOf(':');
      headers.put(
          line.substring(0, colon).toLowerCase(Locale.ROOT), line.substring(colon + 1).strip());
    }
    int length = Integer.parseInt(headers.getOrDefault("content-length", "0"));
    return new Request(first[0], first[1], headers, in.readNBytes(length));
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
      accepting.join(); // until then the port may still take connections
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
