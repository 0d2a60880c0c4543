package dev.nereid.gateway;

import dev.nereid.core.Failure;
import dev.nereid.core.Fault;
import dev.nereid.core.FaultException;
import dev.nereid.core.Lease;
import dev.nereid.core.MemoryPool;
import dev.nereid.http.Base64Body;
import io.netty.buffer.ByteBufInputStream;
import io.netty.buffer.Unpooled;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import tools.jackson.core.JacksonException;
import tools.jackson.core.JsonParser;
import tools.jackson.core.JsonToken;
import tools.jackson.core.ObjectReadContext;

/**
 * Reads pictures in base64 from JSON: {@code {"image": "..."}}, {@code {"images": ["...", ...]}} or
 * a bare list, whose entries may be objects with an {@code image} too. The parser only finds the
 * texts; they are decoded from where they lie.
 */
final class JsonUpload {
  private static final int LONGEST_FIELD = 1024;
  private static final int DEEPEST = 4;

  private final MemoryPool memory;
  private final int most;
  private final List<Item> items = new ArrayList<>();
  private final Map<String, String> fields = new HashMap<>();

  JsonUpload(MemoryPool memory, int most) {
    this.memory = memory;
    this.most = most;
  }

  Upload read(Lease body, int length) {
    ByteBuffer bytes = body.bytes(0, length);
    Upload upload = new Upload(items, fields);
    try (JsonParser json =
        JsonReply.FACTORY.createParser(
            ObjectReadContext.empty(),
            (InputStream) new ByteBufInputStream(Unpooled.wrappedBuffer(bytes.duplicate())))) {
      switch (json.nextToken()) {
        case START_OBJECT -> readObject(json, bytes, 0);
        case START_ARRAY -> readList(json, bytes, 0);
        case null, default ->
            throw FaultException.of(
                Fault.INVALID_ARGUMENT, "JSON (expected: an object with image or images)");
      }
      return upload;
    } catch (JacksonException e) {
      upload.close();
      throw FaultException.of(Fault.INVALID_ARGUMENT, "JSON: " + e.getOriginalMessage());
    } catch (RuntimeException e) {
      upload.close();
      throw e;
    }
  }

  private void readObject(JsonParser json, ByteBuffer bytes, int depth) {
    requireShallow(depth);
    while (json.nextToken() == JsonToken.PROPERTY_NAME) {
      String name = json.currentName();
      JsonToken value = json.nextToken();
      switch (name) {
        case "image", "file" -> readPicture(json, value, bytes);
        case "images", "files" -> {
          if (value != JsonToken.START_ARRAY) {
            throw wrong(name, "a list of base64 texts");
          }
          readList(json, bytes, depth + 1);
        }
        default -> readField(json, name, value);
      }
    }
  }

  private void readList(JsonParser json, ByteBuffer bytes, int depth) {
    requireShallow(depth);
    for (JsonToken token = json.nextToken();
        token != JsonToken.END_ARRAY;
        token = json.nextToken()) {
      if (token == JsonToken.START_OBJECT) {
        readObject(json, bytes, depth + 1);
      } else {
        readPicture(json, token, bytes);
      }
    }
  }

  private void readField(JsonParser json, String name, JsonToken value) {
    if (value.isScalarValue()) {
      String text = json.getString();
      if (text != null && text.length() <= LONGEST_FIELD) {
        fields.put(name, text);
      }
    } else {
      json.skipChildren();
    }
  }

  private void readPicture(JsonParser json, JsonToken token, ByteBuffer bytes) {
    if (token != JsonToken.VALUE_STRING) {
      throw wrong("image", "base64 text");
    }
    UploadReader.requireRoom(items.size(), most);
    int start = (int) json.currentTokenLocation().getByteOffset() + 1;
    ByteBuffer text = bytes.slice(start, textEnd(bytes, start) - start);
    int index = items.size();
    try (var decoded = Base64Body.decode(text, memory, Integer.BYTES)) {
      items.add(UploadReader.item(index, "", decoded.lease(), decoded.offset(), decoded.length()));
    } catch (FaultException e) {
      items.add(new Item.Unreadable(index, "", e.failure()));
    }
  }

  /** Where the quote stands that ends the text. */
  private static int textEnd(ByteBuffer bytes, int start) {
    for (int at = start; at < bytes.limit(); at++) {
      byte b = bytes.get(at);
      if (b == '"') {
        return at;
      }
      if (b == '\\') {
        at++;
      }
    }
    throw new Failure(Fault.INVALID_ARGUMENT, "JSON: a text does not end").exception();
  }

  private static void requireShallow(int depth) {
    if (depth > DEEPEST) {
      throw FaultException.of(
          Fault.INVALID_ARGUMENT, "JSON: nested (expected: at most " + DEEPEST + " deep)");
    }
  }

  private static FaultException wrong(String name, String expected) {
    return FaultException.of(
        Fault.INVALID_ARGUMENT, "JSON: " + name + " (expected: " + expected + ")");
  }
}
