package dev.nereid.protocol;

import com.google.protobuf.ByteString;
import com.google.protobuf.Descriptors.EnumValueDescriptor;
import com.google.protobuf.Descriptors.FieldDescriptor;
import com.google.protobuf.Message;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufUtil;
import io.netty.buffer.PooledByteBufAllocator;
import java.util.Base64;
import java.util.List;
import java.util.Map;

/**
 * The JSON bodies of everything but inference and configurations. v2 gives its messages the same
 * members over HTTP as over gRPC, so the generated messages are the only description of both.
 * Stateless.
 */
public final class JsonBodies {
  private static final byte[] NULL = JsonText.ascii("null");

  private final JsonText json;
  private final boolean defaults;

  private JsonBodies(JsonText json, boolean defaults) {
    this.json = json;
    this.defaults = defaults;
  }

  /** The object {@code {"error": message}}. */
  public static ByteBuf error(String message) {
    try (JsonText json = new JsonText()) {
      json.raw('{').string("error").raw(':').string(message).raw('}');
      return json.finish(0);
    }
  }

  /** An object of strings, whole numbers and booleans; the result is the caller's. */
  public static ByteBuf object(Map<String, Object> members) {
    try (JsonText json = new JsonText()) {
      char before = '{';
      for (Map.Entry<String, Object> member : members.entrySet()) {
        json.raw(before).string(member.getKey()).raw(':');
        switch (member.getValue()) {
          case Boolean flag -> json.raw(JsonText.ascii(flag.toString()));
          case Long number -> json.number(number);
          default -> json.string(member.getValue().toString());
        }
        before = ',';
      }
      if (members.isEmpty()) {
        json.raw('{');
      }
      json.raw('}');
      return json.finish(0);
    }
  }

  /** A JSON text that is there already; the result is the caller's. */
  public static ByteBuf text(String json) {
    return ByteBufUtil.writeUtf8(PooledByteBufAllocator.DEFAULT, json);
  }

  /** A message with every member, also those with their default; the result is the caller's. */
  public static ByteBuf complete(Message message) {
    try (JsonText json = new JsonText()) {
      new JsonBodies(json, true).message(message);
      return json.finish(0);
    }
  }

  /** An array of messages without members that have their default; the result is the caller's. */
  public static ByteBuf sparse(List<? extends Message> messages) {
    try (JsonText json = new JsonText()) {
      JsonBodies writer = new JsonBodies(json, false);
      json.raw('[');
      for (int i = 0; i < messages.size(); i++) {
        if (i > 0) {
          json.raw(',');
        }
        writer.message(messages.get(i));
      }
      json.raw(']');
      return json.finish(0);
    }
  }

  private void message(Message message) {
    char before = '{';
    for (FieldDescriptor field : message.getDescriptorForType().getFields()) {
      if (isWritten(message, field)) {
        json.raw(before).string(field.getName()).raw(':');
        value(message, field);
        before = ',';
      }
    }
    if (before == '{') {
      json.raw('{');
    }
    json.raw('}');
  }

  private boolean isWritten(Message message, FieldDescriptor field) {
    if (field.isRepeated()) {
      return defaults || message.getRepeatedFieldCount(field) > 0;
    }
    return message.hasField(field) || (defaults && !field.hasPresence());
  }

  private void value(Message message, FieldDescriptor field) {
    if (field.isMapField()) {
      map(message, field);
    } else if (field.isRepeated()) {
      json.raw('[');
      int count = message.getRepeatedFieldCount(field);
      for (int i = 0; i < count; i++) {
        if (i > 0) {
          json.raw(',');
        }
        single(message.getRepeatedField(field, i), field);
      }
      json.raw(']');
    } else {
      single(message.getField(field), field);
    }
  }

  private void map(Message message, FieldDescriptor field) {
    FieldDescriptor key = field.getMessageType().findFieldByNumber(1);
    FieldDescriptor value = field.getMessageType().findFieldByNumber(2);
    json.raw('{');
    int count = message.getRepeatedFieldCount(field);
    for (int i = 0; i < count; i++) {
      if (i > 0) {
        json.raw(',');
      }
      Message entry = (Message) message.getRepeatedField(field, i);
      json.string(entry.getField(key).toString()).raw(':');
      single(entry.getField(value), value);
    }
    json.raw('}');
  }

  private void single(Object value, FieldDescriptor field) {
    switch (value) {
      case Message nested -> message(nested);
      case String text -> json.string(text);
      case EnumValueDescriptor constant -> json.string(constant.getName());
      case ByteString bytes -> json.string(Base64.getEncoder().encodeToString(bytes.toByteArray()));
      case Boolean flag -> json.raw(JsonText.ascii(flag.toString()));
      case Float number -> json.number(number.floatValue());
      case Double number -> json.number(number.doubleValue());
      case Integer number ->
          json.number(isUnsigned(field) ? Integer.toUnsignedLong(number) : number);
      case Long number ->
          json.raw(
              JsonText.ascii(
                  isUnsigned(field) ? Long.toUnsignedString(number) : Long.toString(number)));
      default -> json.raw(NULL);
    }
  }

  private static boolean isUnsigned(FieldDescriptor field) {
    return switch (field.getType()) {
      case UINT32, UINT64, FIXED32, FIXED64 -> true;
      default -> false;
    };
  }
}
