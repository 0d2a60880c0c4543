package dev.nereid.http;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.handler.codec.http2.DefaultHttp2HeadersDecoder;
import io.netty.handler.codec.http2.Http2Headers;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.EOFException;
import java.io.IOException;
import java.net.InetAddress;
import java.net.Socket;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.List;

/** A client that sends HTTP/2 frames as the test wrote them, and answers none by itself. */
public final class RawHttp2 implements AutoCloseable {
  public static final int DATA = 0;
  static final int HEADERS = 1;
  static final int RESET = 3;
  static final int SETTINGS = 4;
  public static final int GOAWAY = 7;
  static final int WINDOW = 8;
  public static final int END_STREAM = 1;
  static final int ACK = 1;
  static final int END_HEADERS = 4;
  static final byte[] PREFACE =
      "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".getBytes(StandardCharsets.US_ASCII);

  private final Socket socket;
  private final DataInputStream in;
  private final DefaultHttp2HeadersDecoder decoder = new DefaultHttp2HeadersDecoder(true, 1 << 16);

  /** A frame as it came. */
  @SuppressWarnings("ArrayRecordComponent") // never compared
  public record Frame(int type, int flags, int stream, byte[] payload) {
    int code() {
      return ByteBuffer.wrap(payload).getInt(type == GOAWAY ? 4 : 0);
    }

    /** Whether it is its stream's last. */
    public boolean ends() {
      return (flags & END_STREAM) != 0;
    }
  }

  /** A whole answer: its status, and its body. */
  record Answer(String status, String body) {}

  /** A connection on which nothing was said yet. */
  RawHttp2(int port) throws IOException {
    socket = new Socket(InetAddress.getLoopbackAddress(), port);
    socket.setSoTimeout(10_000);
    in = new DataInputStream(socket.getInputStream());
  }

  /** A connection whose client has introduced itself. */
  public static RawHttp2 begun(int port) throws IOException {
    RawHttp2 client = new RawHttp2(port);
    client.raw(PREFACE);
    client.frame(SETTINGS, 0, 0, new byte[0]);
    client.skipTo(SETTINGS);
    client.frame(SETTINGS, ACK, 0, new byte[0]); // from now on, limits are the server's
    return client;
  }

  RawHttp2 raw(byte[] bytes) throws IOException {
    socket.getOutputStream().write(bytes);
    return this;
  }

  /** Sends one frame. */
  public RawHttp2 frame(int type, int flags, int stream, byte[] payload) throws IOException {
    ByteBuffer frame = ByteBuffer.allocate(9 + payload.length);
    frame.put((byte) (payload.length >> 16)).putShort((short) payload.length);
    frame.put((byte) type).put((byte) flags).putInt(stream).put(payload);
    return raw(frame.array());
  }

  /** A request's head; the pairs are headers more. */
  public RawHttp2 head(int stream, String method, String path, boolean ends, String... pairs)
      throws IOException {
    ByteArrayOutputStream block = new ByteArrayOutputStream();
    header(block, ":method", method);
    header(block, ":scheme", "http");
    header(block, ":path", path);
    header(block, ":authority", "test");
    for (int i = 0; i < pairs.length; i += 2) {
      header(block, pairs[i], pairs[i + 1]);
    }
    return frame(HEADERS, END_HEADERS | (ends ? END_STREAM : 0), stream, block.toByteArray());
  }

  /** A literal that no table keeps, not packed. */
  private static void header(ByteArrayOutputStream block, String name, String value) {
    block.write(0);
    for (String text : new String[] {name, value}) {
      int length = text.length();
      if (length < 127) {
        block.write(length);
      } else {
        block.write(127);
        int rest = length - 127;
        for (; rest >= 128; rest >>= 7) {
          block.write((rest & 127) | 128);
        }
        block.write(rest);
      }
      block.writeBytes(text.getBytes(StandardCharsets.ISO_8859_1));
    }
  }

  /** The next frame that is no settings, ping or window. */
  public Frame next() throws IOException {
    return skipTo(DATA, HEADERS, RESET, GOAWAY);
  }

  private Frame skipTo(Integer... types) throws IOException {
    while (true) {
      int length = in.readUnsignedShort() << 8 | in.readUnsignedByte();
      int type = in.readUnsignedByte();
      int flags = in.readUnsignedByte();
      int stream = in.readInt();
      byte[] payload = in.readNBytes(length);
      if (payload.length < length) {
        throw new EOFException("frame: cut short");
      }
      if (List.of(types).contains(type)) {
        return new Frame(type, flags, stream, payload);
      }
    }
  }

  /** The next frame of that type, past all others. */
  Frame next(int type) throws IOException {
    Frame frame = next();
    while (frame.type != type) {
      frame = next();
    }
    return frame;
  }

  /** Reads the answer of one stream, past frames of others, and gives back the window. */
  Answer answer(int stream) throws IOException {
    String status = "";
    StringBuilder body = new StringBuilder();
    boolean ended = false;
    while (!ended) {
      Frame frame = next();
      if (frame.type == HEADERS) {
        String known = status(frame);
        status = frame.stream == stream ? known : status;
      } else if (frame.stream == stream && frame.type != DATA) {
        throw new IOException("frame: " + frame.type + " of " + frame.stream);
      } else if (frame.stream == stream) {
        body.append(new String(frame.payload, StandardCharsets.ISO_8859_1));
      }
      ended = frame.stream == stream && frame.ends();
    }
    return new Answer(status, body.toString());
  }

  /** The status in a frame of headers. */
  String status(Frame frame) throws IOException {
    return String.valueOf(headers(frame).status());
  }

  /** What is in a frame of headers; to be asked once for each, in the order they came. */
  public Http2Headers headers(Frame frame) throws IOException {
    ByteBuf block = Unpooled.wrappedBuffer(frame.payload);
    try {
      return decoder.decodeHeaders(frame.stream, block);
    } catch (io.netty.handler.codec.http2.Http2Exception e) {
      throw new IOException(e);
    } finally {
      block.release();
    }
  }

  /** The head of an answer in HTTP/1.1, up to its empty line. */
  String http1Head() throws IOException {
    StringBuilder head = new StringBuilder();
    while (head.indexOf("\r\n\r\n") < 0) {
      head.append((char) in.readUnsignedByte());
    }
    return head.toString();
  }

  /** Whether the server has closed the connection, past frames that are on their way. */
  boolean isEnded() throws IOException {
    try {
      in.readAllBytes();
      return true;
    } catch (java.net.SocketException e) {
      return true;
    }
  }

  /** Ends the connection in the middle of things. */
  public void hangUp() throws IOException {
    socket.close();
  }

  @Override
  public void close() throws IOException {
    socket.close();
  }
}
