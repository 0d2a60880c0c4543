package dev.nereid.client;

import io.netty.buffer.ByteBuf;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Map;

/**
 * Sends requests of any content to any HTTP/1.1 endpoint; every status from 200 to 299 is an
 * answer. Thread-safe; nothing here blocks but {@link #close}.
 */
public final class HttpCaller implements AutoCloseable {
  private static final int FIRST_FAILURE = 300;
  private static final int FIRST_SUCCESS = 200;

  private final HttpOptions options;
  private final HttpTransport transport;

  /** A client that connects on its first request. */
  public HttpCaller(HttpOptions options, EventLoops loops) {
    this.options = options;
    this.transport = new HttpTransport(options, loops);
  }

  /**
   * A request in bytes, for sending many times.
   *
   * @param path with its query
   * @param headers without Host and Content-Length, which are added
   */
  public EncodedCall encode(String verb, String path, Map<String, String> headers, byte[] body) {
    StringBuilder head = new StringBuilder(verb).append(' ').append(path).append(" HTTP/1.1\r\n");
    head.append("Host: ").append(options.endpoint()).append("\r\n");
    headers.forEach((name, value) -> head.append(name).append(": ").append(value).append("\r\n"));
    head.append("Content-Length: ").append(body.length).append("\r\n\r\n");
    return EncodedCall.ofWire(
        head.toString().getBytes(StandardCharsets.UTF_8), ByteBuffer.wrap(body));
  }

  /** Sends an encoded request; see {@link InferenceClient#send}. */
  public InFlight send(EncodedCall call, int lane, long timeoutNanos, Receiver receiver) {
    return transport.send(call, lane, timeoutNanos, new AnySuccess(receiver));
  }

  /** Connections open now. */
  public int connections() {
    return transport.connections();
  }

  @Override
  public void close() {
    transport.close();
  }

  private record AnySuccess(Receiver receiver) implements HttpExchange.Listener {
    @Override
    public void replied(int status, int jsonLength, ByteBuf body) {
      if (status >= FIRST_SUCCESS && status < FIRST_FAILURE) {
        receiver.received(new RawReply(body, jsonLength));
      } else {
        new HttpInferenceClient.StatusCheck(receiver).replied(status, jsonLength, body);
      }
    }

    @Override
    public void failed(CallFailure failure) {
      receiver.failed(failure);
    }
  }
}
