package dev.nereid.server;

import dev.nereid.core.Fault;
import dev.nereid.core.FaultException;
import dev.nereid.core.InferRequest;
import dev.nereid.core.Lease;
import dev.nereid.engine.Engine;
import dev.nereid.http.ContentCoding;
import dev.nereid.http.Decompression;
import dev.nereid.http.HttpExchange;
import dev.nereid.protocol.Arrival;
import dev.nereid.protocol.InferMessage;
import dev.nereid.protocol.JsonBodies;
import dev.nereid.protocol.JsonRequestReader;
import dev.nereid.protocol.RequestLimits;
import io.netty.util.AsciiString;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Inference over HTTP. Small texts are read on the event loop; long ones, packed bodies and bodies
 * that need the model's configuration elsewhere. Thread-safe.
 */
final class HttpInference {
  private static final Logger LOG = LoggerFactory.getLogger(HttpInference.class);

  /** JSON texts up to here are read and written by the thread that has them: some 50 us. */
  static final int SMALL_TEXT = 32 << 10;

  /** A body may unpack to so many times its size: gzip's own limit is near 1,000. */
  private static final int MOST_RATIO = 1032;

  /** A text length in so many digits is a short one. */
  private static final int SHORT_HEADER = 4;

  private static final AsciiString CONTENT_ENCODING = AsciiString.cached("content-encoding");
  private static final AsciiString ACCEPT_ENCODING = AsciiString.cached("accept-encoding");
  private static final AsciiString TEXT_LENGTH =
      AsciiString.cached("inference-header-content-length");

  private final Engine engine;
  private final JsonRequestReader reader;
  private final CodecThreads codecs;
  private final LoopBatches.OfLoops loops;
  private final HeaderForwarding forwarding;
  private final Decompression.Limits unpacked;

  HttpInference(V2Handler.Services services, RequestLimits limits, HeaderForwarding forwarding) {
    this.engine = services.engine();
    this.codecs = services.codecs();
    this.loops = new LoopBatches.OfLoops(engine, services.loops().workers());
    this.forwarding = forwarding;
    reader = new JsonRequestReader(engine.memory(), limits);
    int most = (int) Math.min(limits.maxInputBytes(), Integer.MAX_VALUE - 8);
    unpacked = new Decompression.Limits(most, MOST_RATIO);
  }

  void handle(HttpExchange exchange, List<String> captures) {
    Lease body = null;
    try {
      Arrival arrival = arrival(exchange, captures);
      ContentCoding coding = ContentCoding.of(exchange.header(CONTENT_ENCODING));
      if (coding == null) {
        refuseCoding(exchange);
        return;
      }
      int length = exchange.bodyLength();
      String textHeader = exchange.header(TEXT_LENGTH);
      body = exchange.takeBody();
      if (body == null) {
        body = engine.memory().take(0);
      }
      if (coding == ContentCoding.IDENTITY && isQuick(textHeader, length)) {
        Lease taken = body;
        body = null;
        submit(exchange, arrival, taken, length, textHeader);
      } else {
        Lease taken = body;
        boolean handed =
            codecs.execute(
                () ->
                    readElsewhere(exchange, arrival, coding, new Body(taken, length, textHeader)));
        body = handed ? null : body;
        if (!handed) {
          throw FaultException.of(Fault.NOT_READY, "Server exiting");
        }
      }
    } catch (RuntimeException e) {
      if (body != null) {
        body.close();
      }
      answer(exchange, e);
    }
  }

  private static Arrival arrival(HttpExchange exchange, List<String> captures) {
    String model = captures.getFirst();
    long version = V2Handler.version(captures);
    exchange.model(model, version);
    return new Arrival(model, version, exchange.receivedNanos(), exchange.deadlineNanos());
  }

  /** A body that has been taken from its exchange. */
  private record Body(Lease lease, int length, @Nullable String textHeader) {}

  /** Whether the text is short, as far as the header tells, and the model need not be asked. */
  private static boolean isQuick(@Nullable String textHeader, int length) {
    if (textHeader == null || textHeader.equals("0")) {
      return textHeader == null && length <= SMALL_TEXT;
    }
    return textHeader.length() <= SHORT_HEADER || length <= SMALL_TEXT;
  }

  private static void refuseCoding(HttpExchange exchange) {
    exchange.respond(
        501,
        HttpAnswers.JSON.with("Accept-Encoding", "gzip, deflate"),
        JsonBodies.error("Unsupported compression type"));
  }

  private void readElsewhere(
      HttpExchange exchange, Arrival arrival, ContentCoding coding, Body body) {
    try {
      if (coding == ContentCoding.IDENTITY) {
        submit(exchange, arrival, body.lease, body.length, body.textHeader);
        return;
      }
      Decompression.Unpacked plain;
      try (Lease packed = body.lease) {
        plain =
            Decompression.unpack(coding, packed.bytes(0, body.length), unpacked, engine.memory());
      }
      submit(exchange, arrival, plain.lease(), plain.length(), body.textHeader);
    } catch (RuntimeException e) {
      answer(exchange, e);
    }
  }

  /** Owns the body from the call on. */
  private void submit(
      HttpExchange exchange, Arrival arrival, Lease body, int length, @Nullable String textHeader) {
    InferMessage message;
    int text;
    try {
      text = JsonRequestReader.textLength(textHeader, length);
    } catch (FaultException e) {
      body.close();
      throw e;
    }
    if (text == 0) {
      message = readRaw(arrival, body, length);
    } else {
      message = reader.read(arrival, body, length, text);
    }
    if (!forwarding.isNone()) {
      message = HeaderForwarding.add(message, forwarding.of(exchange.headers().entries()));
    }
    ContentCoding wanted = ContentCoding.preferred(exchange.header(ACCEPT_ENCODING));
    HttpReply reply = new HttpReply(exchange, message, wanted, engine, codecs);
    InferRequest request = message.request(reply);
    if (!message.call().id().isEmpty()) {
      exchange.requestId(message.call().id());
    }
    exchange.onCancel(request::cancel);
    LoopBatches loop = loops.current();
    if (loop != null) {
      loop.infer(request);
    } else {
      engine.infer(request);
    }
  }

  private InferMessage readRaw(Arrival arrival, Lease body, int length) {
    var config = configOrClose(arrival, body);
    return reader.readRaw(arrival, body, length, config);
  }

  private dev.nereid.config.proto.ModelConfig configOrClose(Arrival arrival, Lease body) {
    try {
      return engine.config(arrival.model(), arrival.version());
    } catch (RuntimeException e) {
      body.close();
      throw e;
    }
  }

  static void answer(HttpExchange exchange, RuntimeException cause) {
    if (exchange.isClaimed()) {
      LOG.error("{} {}: failed after its answer", exchange.method(), exchange.path(), cause);
    } else if (cause instanceof FaultException fault) {
      HttpAnswers.failure(exchange, fault.failure());
    } else {
      LOG.error("{} {}: failed", exchange.method(), exchange.path(), cause);
      HttpAnswers.failure(exchange, Fault.INTERNAL.with("internal error"));
    }
  }
}
