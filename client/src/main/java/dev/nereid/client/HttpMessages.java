package dev.nereid.client;

import dev.nereid.core.DataType;
import java.io.ByteArrayOutputStream;
import java.math.BigInteger;
import java.net.URLEncoder;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import tools.jackson.core.JsonEncoding;
import tools.jackson.core.JsonGenerator;
import tools.jackson.core.ObjectWriteContext;
import tools.jackson.core.json.JsonFactory;

/** Calls as HTTP/1.1 requests. */
final class HttpMessages {
  static final JsonFactory JSON = new JsonFactory();
  private static final String TIMEOUT_HEADER = "X-Request-Timeout-Ms";

  private HttpMessages() {}

  static EncodedCall encode(InferCall call, Endpoint endpoint, boolean binary) {
    byte[] json = json(call, binary);
    int blobs = 0;
    if (binary) {
      for (InferInput input : call.inputs()) {
        blobs = Math.addExact(blobs, input.data().remaining());
      }
    }
    ByteBuffer body = ByteBuffer.allocate(Math.addExact(json.length, blobs)).put(json);
    if (binary) {
      call.inputs().forEach(input -> body.put(input.data()));
    }
    String version = call.version().isEmpty() ? "" : "/versions/" + segment(call.version());
    StringBuilder head =
        head(endpoint, "POST", "/v2/models/" + segment(call.model()) + version + "/infer");
    if (binary) {
      head.append(HttpConnection.JSON_LENGTH).append(": ").append(json.length).append("\r\n");
    }
    if (!call.timeout().isZero()) {
      head.append(TIMEOUT_HEADER)
          .append(": ")
          .append(Math.max(1, call.timeout().toMillis()))
          .append("\r\n");
    }
    return finish(head, binary ? "application/octet-stream" : "application/json", body.flip());
  }

  static EncodedCall encode(Endpoint endpoint, String path, String contentType, byte[] body) {
    return finish(head(endpoint, "POST", path), contentType, ByteBuffer.wrap(body));
  }

  static EncodedCall encodeGet(Endpoint endpoint, String path) {
    byte[] head =
        head(endpoint, "GET", path).append("\r\n").toString().getBytes(StandardCharsets.US_ASCII);
    return EncodedCall.ofWire(head, ByteBuffer.allocate(0));
  }

  /** A name as one segment of a path. */
  static String segment(String name) {
    return URLEncoder.encode(name, StandardCharsets.UTF_8).replace("+", "%20");
  }

  private static StringBuilder head(Endpoint endpoint, String verb, String path) {
    return new StringBuilder(verb)
        .append(' ')
        .append(path)
        .append(" HTTP/1.1\r\nHost: ")
        .append(endpoint)
        .append("\r\n");
  }

  private static EncodedCall finish(StringBuilder head, String contentType, ByteBuffer body) {
    head.append("Content-Type: ").append(contentType);
    head.append("\r\nContent-Length: ").append(body.remaining()).append("\r\n\r\n");
    return EncodedCall.ofWire(head.toString().getBytes(StandardCharsets.US_ASCII), body);
  }

  private static byte[] json(InferCall call, boolean binary) {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try (JsonGenerator json =
        JSON.createGenerator(ObjectWriteContext.empty(), bytes, JsonEncoding.UTF8)) {
      json.writeStartObject();
      if (!call.id().isEmpty()) {
        json.writeStringProperty("id", call.id());
      }
      writeParameters(json, call, binary && call.outputs().isEmpty());
      json.writeName("inputs").writeStartArray();
      for (InferInput input : call.inputs()) {
        writeInput(json, input, binary);
      }
      json.writeEndArray();
      if (!call.outputs().isEmpty()) {
        writeOutputs(json, call, binary);
      }
      json.writeEndObject();
    }
    return bytes.toByteArray();
  }

  private static void writeParameters(JsonGenerator json, InferCall call, boolean binaryOutput) {
    if (call.parameters().isEmpty() && !binaryOutput) {
      return;
    }
    json.writeName("parameters").writeStartObject();
    for (Map.Entry<String, Object> parameter : call.parameters().entrySet()) {
      json.writeName(parameter.getKey());
      switch (parameter.getValue()) {
        case String text -> json.writeString(text);
        case Long number -> json.writeNumber(number);
        case Boolean flag -> json.writeBoolean(flag);
        case Double number -> json.writeNumber(number);
        case Object other ->
            throw new IllegalArgumentException(
                "parameter "
                    + parameter.getKey()
                    + ": "
                    + other.getClass().getSimpleName()
                    + " (expected: String, Long, Boolean or Double)");
      }
    }
    if (binaryOutput) {
      json.writeBooleanProperty("binary_data_output", true);
    }
    json.writeEndObject();
  }

  private static void writeInput(JsonGenerator json, InferInput input, boolean binary) {
    json.writeStartObject();
    json.writeStringProperty("name", input.name());
    json.writeStringProperty("datatype", input.type().name());
    json.writeName("shape").writeStartArray();
    for (long dim : input.shape().dims()) {
      json.writeNumber(dim);
    }
    json.writeEndArray();
    if (binary) {
      json.writeName("parameters").writeStartObject();
      json.writeNumberProperty("binary_data_size", input.data().remaining());
      json.writeEndObject();
    } else {
      json.writeName("data").writeStartArray();
      writeValues(json, input);
      json.writeEndArray();
    }
    json.writeEndObject();
  }

  private static void writeOutputs(JsonGenerator json, InferCall call, boolean binary) {
    json.writeName("outputs").writeStartArray();
    for (String output : call.outputs()) {
      json.writeStartObject();
      json.writeStringProperty("name", output);
      if (binary) {
        json.writeName("parameters").writeStartObject();
        json.writeBooleanProperty("binary_data", true);
        json.writeEndObject();
      }
      json.writeEndObject();
    }
    json.writeEndArray();
  }

  private static void writeValues(JsonGenerator json, InferInput input) {
    if (input.type() == DataType.BYTES) {
      new InferOutput(input.name(), input.type(), input.shape(), input.data())
          .strings()
          .forEach(json::writeString);
      return;
    }
    ByteBuffer data = input.data();
    while (data.hasRemaining()) {
      switch (input.type()) {
        case BOOL -> json.writeBoolean(data.get() != 0);
        case UINT8 -> json.writeNumber(Byte.toUnsignedInt(data.get()));
        case INT8 -> json.writeNumber((int) data.get());
        case UINT16 -> json.writeNumber(Short.toUnsignedInt(data.getShort()));
        case INT16 -> json.writeNumber((int) data.getShort());
        case UINT32 -> json.writeNumber(Integer.toUnsignedLong(data.getInt()));
        case INT32 -> json.writeNumber(data.getInt());
        case UINT64 -> json.writeNumber(new BigInteger(Long.toUnsignedString(data.getLong())));
        case INT64 -> json.writeNumber(data.getLong());
        case FP32 -> json.writeNumber(data.getFloat());
        case FP64 -> json.writeNumber(data.getDouble());
        case FP16, BF16, BYTES ->
            throw new IllegalArgumentException(
                input.name()
                    + ": "
                    + input.type()
                    + " (expected: a type that JSON can carry; use binary tensors)");
      }
    }
  }
}
