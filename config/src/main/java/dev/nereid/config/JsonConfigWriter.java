package dev.nereid.config;

import com.google.protobuf.Descriptors.EnumValueDescriptor;
import com.google.protobuf.Descriptors.FieldDescriptor;
import com.google.protobuf.MapEntry;
import com.google.protobuf.Message;
import dev.nereid.config.proto.ModelInstanceGroup;
import dev.nereid.config.proto.ModelOptimizationPolicy;
import dev.nereid.config.proto.ModelSequenceBatching;
import java.math.BigInteger;
import java.util.List;
import java.util.Set;
import tools.jackson.core.JsonGenerator;

/** Writes one message of the schema as JSON, field by field in the schema's order. */
final class JsonConfigWriter {
  /** 64-bit fields that stay strings, as clients have always read them. */
  private static final Set<FieldDescriptor> STRINGS =
      Set.of(
          ModelSequenceBatching.InitialState.getDescriptor().findFieldByName("dims"),
          ModelInstanceGroup.SecondaryDevice.getDescriptor().findFieldByName("device_id"),
          ModelOptimizationPolicy.Cuda.GraphSpec.Shape.getDescriptor().findFieldByName("dim"));

  private final JsonGenerator json;

  JsonConfigWriter(JsonGenerator json) {
    this.json = json;
  }

  void write(Message message) {
    json.writeStartObject();
    for (FieldDescriptor field : message.getDescriptorForType().getFields()) {
      if (field.hasPresence() && !message.hasField(field)) {
        continue;
      }
      json.writeName(field.getName());
      if (field.isMapField()) {
        writeMap(field, message);
      } else if (field.isRepeated()) {
        json.writeStartArray();
        for (Object element : (List<?>) message.getField(field)) {
          writeValue(field, element);
        }
        json.writeEndArray();
      } else {
        writeValue(field, message.getField(field));
      }
    }
    json.writeEndObject();
  }

  private void writeMap(FieldDescriptor field, Message message) {
    FieldDescriptor valueField = field.getMessageType().findFieldByName("value");
    FieldDescriptor keyField = field.getMessageType().findFieldByName("key");
    json.writeStartObject();
    for (Object entry : (List<?>) message.getField(field)) {
      MapEntry<?, ?> pair = (MapEntry<?, ?>) entry;
      boolean unsigned = keyField.getType() == FieldDescriptor.Type.UINT64;
      Object key = pair.getKey();
      json.writeName(
          unsigned && key instanceof Long number
              ? Long.toUnsignedString(number)
              : String.valueOf(key));
      writeValue(valueField, pair.getField(valueField));
    }
    json.writeEndObject();
  }

  private void writeValue(FieldDescriptor field, Object value) {
    switch (value) {
      case Message message -> write(message);
      case String text -> json.writeString(text);
      case Boolean flag -> json.writeBoolean(flag);
      case Integer number -> json.writeNumber(intOf(field, number));
      case Long number -> writeLong(field, number);
      case Float number -> writeFloat(number);
      case Double number -> writeDouble(number);
      case EnumValueDescriptor choice -> writeEnum(choice);
      default -> throw new IllegalStateException(field.getFullName() + ": " + value.getClass());
    }
  }

  private static long intOf(FieldDescriptor field, int number) {
    return field.getType() == FieldDescriptor.Type.UINT32 ? Integer.toUnsignedLong(number) : number;
  }

  private void writeLong(FieldDescriptor field, long number) {
    if (STRINGS.contains(field)) {
      json.writeString(Long.toString(number));
    } else if (field.getType() == FieldDescriptor.Type.UINT64 && number < 0) {
      json.writeNumber(new BigInteger(Long.toUnsignedString(number)));
    } else {
      json.writeNumber(number);
    }
  }

  private void writeFloat(float number) {
    if (Float.isFinite(number)) {
      json.writeNumber(number);
    } else {
      json.writeString(Float.toString(number));
    }
  }

  private void writeDouble(double number) {
    if (Double.isFinite(number)) {
      json.writeNumber(number);
    } else {
      json.writeString(Double.toString(number));
    }
  }

  private void writeEnum(EnumValueDescriptor choice) {
    if (choice.getIndex() < 0) {
      json.writeNumber(choice.getNumber());
    } else {
      json.writeString(choice.getName());
    }
  }
}
