package dev.nereid.gateway;

import dev.nereid.http.HttpExchange;
import dev.nereid.http.ResponseHeaders;
import io.netty.buffer.ByteBuf;
import java.nio.charset.StandardCharsets;
import java.util.Locale;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JsonGenerator;

/** How results that are sent one by one are told apart. */
enum StreamFraming {
  /** A JSON object on each line. */
  LINES("application/x-ndjson"),
  /** Server-sent events, whose data is a JSON object. */
  EVENTS("text/event-stream");

  private static final String JSON = "application/json";

  private final String mediaType;

  StreamFraming(String mediaType) {
    this.mediaType = mediaType;
  }

  /** What the client accepts before plain JSON; null when it wants one answer. */
  static @Nullable StreamFraming of(HttpExchange exchange) {
    String accept = exchange.header("accept");
    if (accept == null) {
      return null;
    }
    for (String range : accept.toLowerCase(Locale.ROOT).split(",", -1)) {
      int semicolon = range.indexOf(';');
      String type = (semicolon < 0 ? range : range.substring(0, semicolon)).strip();
      if (type.equals(JSON)) {
        return null;
      }
      for (StreamFraming framing : values()) {
        if (type.equals(framing.mediaType)) {
          return framing;
        }
      }
    }
    return null;
  }

  /** The headers of such an answer; proxies are asked to hand every piece on at once. */
  ResponseHeaders headers() {
    return ResponseHeaders.of("content-type", mediaType)
        .with("cache-control", "no-store")
        .with("x-accel-buffering", "no");
  }

  /** One object in its frame; the caller's to release. */
  ByteBuf frame(String event, Consumer<JsonGenerator> content) {
    ByteBuf piece = JsonReply.buffer();
    try {
      switch (this) {
        case LINES -> {
          JsonReply.write(piece, content);
          piece.writeByte('\n');
        }
        case EVENTS -> {
          piece.writeCharSequence("event: " + event + "\ndata: ", StandardCharsets.US_ASCII);
          JsonReply.write(piece, content);
          piece.writeByte('\n').writeByte('\n');
        }
      }
      return piece;
    } catch (RuntimeException e) {
      piece.release();
      throw e;
    }
  }
}
