package dev.nereid.client;

import dev.nereid.core.DataType;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import tools.jackson.core.JsonParser;
import tools.jackson.core.JsonToken;

/**
 * The numbers, booleans or strings of a JSON {@code data} array of any nesting. Numbers are kept as
 * doubles and, where they are whole, as longs too, since the type may come after the data.
 */
final class DataValues {
  private double[] numbers = new double[16];
  private long[] whole = new long[16];
  private int count;
  private final List<byte[]> strings = new ArrayList<>();

  private DataValues() {}

  /** Reads from the opening bracket to its closing one. */
  static DataValues read(JsonParser json) {
    DataValues values = new DataValues();
    int depth = 1;
    while (depth > 0) {
      JsonToken token = json.nextToken();
      switch (token) {
        case START_ARRAY -> depth++;
        case END_ARRAY -> depth--;
        case VALUE_NUMBER_INT -> values.addWhole(json);
        case VALUE_NUMBER_FLOAT -> values.add(json.getDoubleValue(), 0);
        case VALUE_TRUE -> values.add(1, 1);
        case VALUE_FALSE -> values.add(0, 0);
        case VALUE_STRING -> values.strings.add(json.getString().getBytes(StandardCharsets.UTF_8));
        case null, default ->
            throw GrpcMessages.malformed("data: " + token + " (expected: values)");
      }
    }
    return values;
  }

  private void addWhole(JsonParser json) {
    if (json.getNumberType() == JsonParser.NumberType.BIG_INTEGER) {
      var big = json.getBigIntegerValue();
      add(big.doubleValue(), big.longValue());
    } else {
      long value = json.getLongValue();
      add((double) value, value);
    }
  }

  private void add(double number, long integer) {
    if (count == numbers.length) {
      numbers = Arrays.copyOf(numbers, 2 * count);
      whole = Arrays.copyOf(whole, 2 * count);
    }
    numbers[count] = number;
    whole[count++] = integer;
  }

  /** The values as a tensor's bytes. */
  ByteBuffer as(DataType type) {
    if (type == DataType.BYTES) {
      int size = strings.stream().mapToInt(s -> Integer.BYTES + s.length).sum();
      ByteBuffer bytes = ByteBuffer.allocate(size).order(ByteOrder.LITTLE_ENDIAN);
      strings.forEach(s -> bytes.putInt(s.length).put(s));
      return bytes.flip();
    }
    ByteBuffer bytes =
        ByteBuffer.allocate(Math.multiplyExact(count, type.byteSize()))
            .order(ByteOrder.LITTLE_ENDIAN);
    for (int i = 0; i < count; i++) {
      switch (type) {
        case BOOL, UINT8, INT8 -> bytes.put((byte) whole[i]);
        case UINT16, INT16 -> bytes.putShort((short) whole[i]);
        case UINT32, INT32 -> bytes.putInt((int) whole[i]);
        case UINT64, INT64 -> bytes.putLong(whole[i]);
        case FP32 -> bytes.putFloat((float) numbers[i]);
        case FP64 -> bytes.putDouble(numbers[i]);
        case FP16, BF16, BYTES ->
            throw GrpcMessages.malformed("data: " + type + " (expected: binary)");
      }
    }
    return bytes.flip();
  }
}
