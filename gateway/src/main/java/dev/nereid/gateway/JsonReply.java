package dev.nereid.gateway;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;
import io.netty.buffer.ByteBufOutputStream;
import java.io.OutputStream;
import java.io.StringWriter;
import java.util.function.Consumer;
import tools.jackson.core.JsonGenerator;
import tools.jackson.core.ObjectWriteContext;
import tools.jackson.core.json.JsonFactory;

/** Writes JSON bodies. */
final class JsonReply {
  static final JsonFactory FACTORY = new JsonFactory();
  private static final int USUAL_SIZE = 4 << 10;

  private JsonReply() {}

  /** A body that holds one object with what the content writes; the caller's to release. */
  static ByteBuf object(Consumer<JsonGenerator> content) {
    ByteBuf body = buffer();
    try {
      write(body, content);
    } catch (RuntimeException e) {
      body.release();
      throw e;
    }
    return body;
  }

  /** An empty body that grows; the caller's to release. */
  static ByteBuf buffer() {
    return ByteBufAllocator.DEFAULT.directBuffer(USUAL_SIZE);
  }

  /** Writes one object behind what a body holds. */
  static void write(ByteBuf body, Consumer<JsonGenerator> content) {
    try (JsonGenerator json =
        FACTORY.createGenerator(
            ObjectWriteContext.empty(), (OutputStream) new ByteBufOutputStream(body))) {
      json.writeStartObject();
      content.accept(json);
      json.writeEndObject();
    }
  }

  /** The body of an error. */
  static String error(String code, String detail) {
    StringWriter text = new StringWriter();
    try (JsonGenerator json = FACTORY.createGenerator(ObjectWriteContext.empty(), text)) {
      json.writeStartObject();
      error(json, code, detail);
      json.writeEndObject();
    }
    return text.toString();
  }

  /** The members of an error. */
  static void error(JsonGenerator json, String code, String detail) {
    json.writeStringProperty("detail", detail);
    json.writeStringProperty("error", code);
  }

  /** A duration in milliseconds with two decimals. */
  static double millis(long nanos) {
    return Math.round(nanos / 10_000.0) / 100.0;
  }
}
