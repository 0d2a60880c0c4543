package dev.nereid.client;

import dev.nereid.core.DataType;
import dev.nereid.core.Shape;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufInputStream;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.core.JsonParser;
import tools.jackson.core.JsonToken;
import tools.jackson.core.ObjectReadContext;

/** Inference replies of HTTP: JSON, and the binary tensors behind it. */
final class HttpReplies {
  private HttpReplies() {}

  /** One output as the JSON describes it, before the binary tensors are dealt out. */
  private static final class Described {
    String name = "";
    @Nullable DataType type;
    Shape shape = Shape.SCALAR;
    int binarySize = -1;
    @Nullable ByteBuffer data;
    private @Nullable DataValues values;
  }

  static InferResult decode(RawReply reply) {
    ByteBuf body = reply.body();
    int start = body.readerIndex();
    int jsonLength = reply.jsonLength() < 0 ? body.readableBytes() : reply.jsonLength();
    if (jsonLength > body.readableBytes()) {
      throw GrpcMessages.malformed(
          "JSON of " + jsonLength + " bytes (expected: at most " + body.readableBytes() + ")");
    }
    String model = "";
    String version = "";
    String id = "";
    List<Described> described = List.of();
    try (JsonParser json =
        HttpMessages.JSON.createParser(
            ObjectReadContext.empty(),
            (InputStream) new ByteBufInputStream(body.slice(start, jsonLength)))) {
      expect(json.nextToken(), JsonToken.START_OBJECT);
      while (json.nextToken() == JsonToken.PROPERTY_NAME) {
        String member = json.currentName();
        json.nextToken();
        switch (member) {
          case "model_name" -> model = json.getString();
          case "model_version" -> version = json.getString();
          case "id" -> id = json.getString();
          case "outputs" -> described = outputs(json);
          default -> json.skipChildren();
        }
      }
    } catch (JacksonException e) {
      throw GrpcMessages.malformed(String.valueOf(e.getOriginalMessage()));
    }
    return new InferResult(model, version, id, withBlobs(described, body, start + jsonLength));
  }

  private static List<Described> outputs(JsonParser json) {
    expect(json.currentToken(), JsonToken.START_ARRAY);
    List<Described> all = new ArrayList<>();
    while (json.nextToken() == JsonToken.START_OBJECT) {
      all.add(output(json));
    }
    return all;
  }

  private static Described output(JsonParser json) {
    Described output = new Described();
    while (json.nextToken() == JsonToken.PROPERTY_NAME) {
      String member = json.currentName();
      json.nextToken();
      switch (member) {
        case "name" -> output.name = json.getString();
        case "datatype" -> output.type = GrpcMessages.type(json.getString());
        case "shape" -> output.shape = shape(json);
        case "parameters" -> output.binarySize = binarySize(json);
        case "data" -> output.values = DataValues.read(json);
        default -> json.skipChildren();
      }
    }
    DataValues values = output.values;
    DataType type = output.type;
    if (values != null && type != null) {
      output.data = values.as(type);
    }
    return output;
  }

  private static Shape shape(JsonParser json) {
    List<Long> dims = new ArrayList<>();
    while (json.nextToken() == JsonToken.VALUE_NUMBER_INT) {
      dims.add(json.getLongValue());
    }
    return Shape.of(dims);
  }

  private static int binarySize(JsonParser json) {
    int size = -1;
    while (json.nextToken() == JsonToken.PROPERTY_NAME) {
      boolean wanted = json.currentName().equals("binary_data_size");
      json.nextToken();
      if (wanted) {
        size = json.getIntValue();
      } else {
        json.skipChildren();
      }
    }
    return size;
  }

  private static List<InferOutput> withBlobs(
      List<Described> described, ByteBuf body, int firstBlob) {
    List<InferOutput> outputs = new ArrayList<>(described.size());
    int at = firstBlob;
    for (Described output : described) {
      DataType type = output.type;
      if (type == null) {
        throw GrpcMessages.malformed("output '" + output.name + "' without datatype");
      }
      ByteBuffer data = output.data;
      if (output.binarySize >= 0) {
        if (output.binarySize > body.writerIndex() - at) {
          throw GrpcMessages.malformed(
              "output '"
                  + output.name
                  + "' of "
                  + output.binarySize
                  + " bytes (expected: at most "
                  + (body.writerIndex() - at)
                  + ")");
        }
        byte[] copy = new byte[output.binarySize];
        body.getBytes(at, copy);
        at += copy.length;
        data = ByteBuffer.wrap(copy);
      }
      if (data == null) {
        throw GrpcMessages.malformed("output '" + output.name + "' without data");
      }
      outputs.add(new InferOutput(output.name, type, output.shape, data));
    }
    return outputs;
  }

  private static void expect(@Nullable JsonToken token, JsonToken expected) {
    if (token != expected) {
      throw GrpcMessages.malformed(token + " (expected: " + expected + ")");
    }
  }
}
