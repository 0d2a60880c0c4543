package dev.nereid.protocol;

import static java.util.Objects.requireNonNull;

import dev.nereid.core.DataType;
import dev.nereid.core.Fault;
import dev.nereid.core.FaultException;
import dev.nereid.core.InferResponse;
import dev.nereid.core.Tensor;
import io.netty.buffer.ByteBuf;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;

/** Writes infer responses as JSON with blobs behind it. Stateless. */
public final class JsonResponseWriter {
  /** Blobs that together are smaller are copied behind the text: one buffer, one write. */
  private static final int SMALL = 16 << 10;

  private static final byte[] ID = JsonText.ascii("{\"id\":");
  private static final byte[] MODEL = JsonText.ascii("\"model_name\":");
  private static final byte[] VERSION = JsonText.ascii(",\"model_version\":\"");
  private static final byte[] PARAMETERS = JsonText.ascii(",\"parameters\":");
  private static final byte[] OUTPUTS = JsonText.ascii(",\"outputs\":[");
  private static final byte[] NAME = JsonText.ascii("{\"name\":");
  private static final byte[] TYPE = JsonText.ascii(",\"datatype\":\"");
  private static final byte[] SHAPE = JsonText.ascii("\",\"shape\":[");
  private static final byte[] BLOB = JsonText.ascii("],\"parameters\":{\"binary_data_size\":");
  private static final byte[] BLOB_END = JsonText.ascii("}}");
  private static final byte[] DATA = JsonText.ascii("],\"data\":[");
  private static final byte[] DATA_END = JsonText.ascii("]}");
  private static final byte[] END = JsonText.ascii("]}");
  private static final byte[] COMMA = JsonText.ascii(",");
  private static final byte[] TRUE = JsonText.ascii("true");
  private static final byte[] FALSE = JsonText.ascii("false");
  private static final Map<DataType, byte[]> TYPES = typeNames();

  private JsonResponseWriter() {}

  private static Map<DataType, byte[]> typeNames() {
    Map<DataType, byte[]> names = new EnumMap<>(DataType.class);
    for (DataType type : DataType.values()) {
      names.put(type, JsonText.ascii(type.name()));
    }
    return names;
  }

  /**
   * Writes a response, which stays the caller's.
   *
   * @throws FaultException when an output cannot be JSON and is not wanted as a blob
   */
  public static JsonResponse write(InferResponse response, ResponseForm form) {
    List<Tensor> outputs = response.outputs();
    List<Tensor> blobs = new ArrayList<>(outputs.size());
    long blobBytes = 0;
    try (JsonText json = new JsonText()) {
      head(json, response);
      for (int i = 0; i < outputs.size(); i++) {
        Tensor output = outputs.get(i);
        json.raw(i == 0 ? OUTPUTS : COMMA);
        boolean blob = form.isBinary(output.name());
        output(json, output, blob);
        if (blob && output.length() > 0) {
          blobs.add(output);
          blobBytes += output.length();
        }
      }
      if (outputs.isEmpty()) {
        json.raw(OUTPUTS);
      }
      json.raw(END);
      return finish(json, blobs, blobBytes);
    }
  }

  private static JsonResponse finish(JsonText json, List<Tensor> blobs, long blobBytes) {
    int textLength = blobs.isEmpty() ? -1 : json.length();
    if (blobBytes > SMALL) {
      return new JsonResponse(json.finish(0), textLength, blobs);
    }
    ByteBuf all = json.finish((int) blobBytes);
    for (int i = 0; i < blobs.size(); i++) {
      all.writeBytes(blobs.get(i).bytes());
    }
    return new JsonResponse(all, textLength, List.of());
  }

  private static void head(JsonText json, InferResponse response) {
    if (response.id().isEmpty()) {
      json.raw('{');
    } else {
      json.raw(ID).string(response.id()).raw(',');
    }
    json.raw(MODEL).string(response.model()).raw(VERSION).number(response.version()).raw('"');
    if (!response.parameters().isEmpty()) {
      json.raw(PARAMETERS);
      parameters(json, response.parameters());
    }
  }

  private static void parameters(JsonText json, Map<String, Object> parameters) {
    char before = '{';
    for (Map.Entry<String, Object> parameter : parameters.entrySet()) {
      json.raw(before).string(parameter.getKey()).raw(':');
      switch (parameter.getValue()) {
        case String text -> json.string(text);
        case Boolean flag -> json.raw(flag ? TRUE : FALSE);
        case Double number -> json.number(number.doubleValue());
        case Long number -> json.number(number.longValue());
        default ->
            throw FaultException.of(
                Fault.INTERNAL,
                "response parameter '"
                    + parameter.getKey()
                    + "': "
                    + parameter.getValue()
                    + " (expected: String, Long, Boolean or Double)");
      }
      before = ',';
    }
    json.raw('}');
  }

  private static void output(JsonText json, Tensor output, boolean blob) {
    json.raw(NAME).string(output.name());
    json.raw(TYPE).raw(requireNonNull(TYPES.get(output.type()))).raw(SHAPE);
    for (int i = 0; i < output.shape().rank(); i++) {
      if (i > 0) {
        json.raw(',');
      }
      json.number(output.shape().dim(i));
    }
    if (blob) {
      json.raw(BLOB).number(output.length()).raw(BLOB_END);
      return;
    }
    json.raw(DATA);
    int before = json.length();
    data(json, output, output.bytes());
    if (json.length() > before) {
      json.back(); // the comma behind the last element
    }
    json.raw(DATA_END);
  }

  private static void data(JsonText json, Tensor output, ByteBuffer bytes) {
    switch (output.type()) {
      case FP32 -> {
        while (bytes.hasRemaining()) {
          json.number(bytes.getFloat()).raw(',');
        }
      }
      case FP64 -> {
        while (bytes.hasRemaining()) {
          json.number(bytes.getDouble()).raw(',');
        }
      }
      case BOOL -> {
        while (bytes.hasRemaining()) {
          json.raw(bytes.get() == 0 ? FALSE : TRUE).raw(',');
        }
      }
      case INT8, INT16, INT32, INT64, UINT8, UINT16, UINT32 -> {
        while (bytes.hasRemaining()) {
          json.number(integer(output.type(), bytes)).raw(',');
        }
      }
      case UINT64 -> {
        while (bytes.hasRemaining()) {
          json.raw(JsonText.ascii(Long.toUnsignedString(bytes.getLong()))).raw(',');
        }
      }
      case BYTES -> strings(json, output, bytes);
      case FP16, BF16 ->
          throw FaultException.of(
              Fault.INVALID_ARGUMENT,
              "sending %s data via JSON is not supported. Please use the binary data format for output '%s'"
                  .formatted(output.type(), output.name()));
    }
  }

  private static long integer(DataType type, ByteBuffer bytes) {
    return switch (type) {
      case INT8 -> bytes.get();
      case UINT8 -> bytes.get() & 0xFF;
      case INT16 -> bytes.getShort();
      case UINT16 -> bytes.getShort() & 0xFFFF;
      case INT32 -> bytes.getInt();
      case UINT32 -> bytes.getInt() & 0xFFFFFFFFL;
      default -> bytes.getLong();
    };
  }

  private static void strings(JsonText json, Tensor output, ByteBuffer bytes) {
    while (bytes.hasRemaining()) {
      int length = bytes.getInt();
      int end = bytes.position() + length;
      if (!JsonStrings.isUtf8(bytes, bytes.position(), end)) {
        throw FaultException.of(
            Fault.INVALID_ARGUMENT,
            "output '%s' holds bytes that are not UTF-8, which JSON cannot carry. Please use the binary data format"
                .formatted(output.name()));
      }
      json.raw('"');
      while (bytes.position() < end) {
        json.character(bytes.get());
      }
      json.raw('"').raw(',');
    }
  }
}
