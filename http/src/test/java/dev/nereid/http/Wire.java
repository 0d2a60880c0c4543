package dev.nereid.http;

import java.io.BufferedInputStream;
import java.io.ByteArrayOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.Socket;
import java.net.SocketException;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;

/** A client that sends bytes as the test wrote them, and reads answers strictly. */
final class Wire implements AutoCloseable {
  private final Socket socket;
  private final InputStream in;
  private final OutputStream out;

  /** An answer as it came. */
  @SuppressWarnings("ArrayRecordComponent") // compared by content in tests only
  record Received(int status, Map<String, String> headers, byte[] body) {
    String text() {
      return new String(body, StandardCharsets.UTF_8);
    }

    String header(String name) {
      return headers.getOrDefault(name, "");
    }
  }

  Wire(int port) throws IOException {
    socket = new Socket(InetAddress.getLoopbackAddress(), port);
    socket.setSoTimeout(10_000);
    socket.setTcpNoDelay(true);
    in = new BufferedInputStream(socket.getInputStream());
    out = socket.getOutputStream();
  }

  Wire send(String text) throws IOException {
    return send(text.getBytes(StandardCharsets.ISO_8859_1));
  }

  Wire send(byte[] bytes) throws IOException {
    out.write(bytes);
    out.flush();
    return this;
  }

  Wire post(String path, byte[] body, String... headerLines) throws IOException {
    StringBuilder head = new StringBuilder("POST " + path + " HTTP/1.1\r\nhost: test\r\n");
    for (String line : headerLines) {
      head.append(line).append("\r\n");
    }
    return send(head + "content-length: " + body.length + "\r\n\r\n").send(body);
  }

  Wire get(String path, String... headerLines) throws IOException {
    StringBuilder head = new StringBuilder("GET " + path + " HTTP/1.1\r\nhost: test\r\n");
    for (String line : headerLines) {
      head.append(line).append("\r\n");
    }
    return send(head + "\r\n");
  }

  /** The next answer, with a body. */
  Received receive() throws IOException {
    return receive(true);
  }

  /** The next answer; the one to HEAD has no body, whatever its length says. */
  Received receive(boolean withBody) throws IOException {
    Received head = head();
    int length = withBody ? Integer.parseInt(head.headers.getOrDefault("content-length", "0")) : 0;
    byte[] body = in.readNBytes(length);
    if (body.length < length) {
      throw new EOFException("body: " + body.length + " bytes (expected: " + length + ")");
    }
    return new Received(head.status, head.headers, body);
  }

  /** The head of the next answer. */
  Received head() throws IOException {
    String statusLine = line();
    Map<String, String> headers = new LinkedHashMap<>();
    for (String line = line(); !line.isEmpty(); line = line()) {
      int colon = line.indexOf(':');
      headers.put(
          line.substring(0, colon).toLowerCase(Locale.ROOT), line.substring(colon + 1).strip());
    }
    int status = Integer.parseInt(statusLine.substring(9, 12));
    return new Received(status, headers, new byte[0]);
  }

  /** The next answer, whose body comes in chunks. */
  Received receiveChunked() throws IOException {
    Received head = head();
    ByteArrayOutputStream body = new ByteArrayOutputStream();
    for (byte[] chunk = chunk(); chunk.length > 0; chunk = chunk()) {
      body.write(chunk);
    }
    return new Received(head.status, head.headers, body.toByteArray());
  }

  /** The next chunk; empty for the last. */
  byte[] chunk() throws IOException {
    int length = Integer.parseInt(line(), 16);
    byte[] chunk = in.readNBytes(length);
    if (!line().isEmpty()) {
      throw new IOException("chunk: longer than " + length);
    }
    return chunk;
  }

  /** The next answer, whose body ends with the connection. */
  Received receiveToTheEnd() throws IOException {
    Received head = head();
    return new Received(head.status, head.headers, in.readAllBytes());
  }

  /** Whether the server has closed its side and sent nothing more. */
  boolean isEnded() throws IOException {
    return in.read() < 0;
  }

  /** Whether the server has closed the connection, with or without a last word. */
  boolean isEndedOrRefused() throws IOException {
    try {
      in.readAllBytes();
      return true;
    } catch (SocketException e) {
      return true;
    }
  }

  void finishSending() throws IOException {
    socket.shutdownOutput();
  }

  /** Ends the connection with a reset. */
  void reset() throws IOException {
    socket.setSoLinger(true, 0);
    socket.close();
  }

  @Override
  public void close() throws IOException {
    socket.close();
  }

  private String line() throws IOException {
    StringBuilder line = new StringBuilder();
    for (int c = in.read(); c != '\n'; c = in.read()) {
      if (c < 0) {
        throw new EOFException("connection ended inside a head after '" + line + "'");
      }
      line.append((char) c);
    }
    return line.substring(0, line.length() - 1);
  }
}
