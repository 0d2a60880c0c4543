package dev.nereid.core;

import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The kind of a tensor's elements. Constants carry the names of the v2 wire; {@code byteSize} is 0
 * for {@link #BYTES}, whose elements are a 4-byte little-endian length and that many bytes each.
 */
public enum DataType {
  BOOL(1),
  UINT8(1),
  UINT16(2),
  UINT32(4),
  UINT64(8),
  INT8(1),
  INT16(2),
  INT32(4),
  INT64(8),
  FP16(2),
  FP32(4),
  FP64(8),
  BYTES(0),
  BF16(2);

  private static final Map<String, DataType> BY_NAME = new HashMap<>();

  static {
    for (DataType type : values()) {
      BY_NAME.put(type.name(), type);
    }
  }

  private final int byteSize;

  DataType(int byteSize) {
    this.byteSize = byteSize;
  }

  /** Bytes per element; 0 when elements differ in length. */
  public int byteSize() {
    return byteSize;
  }

  /** Whether every element has the same length. */
  public boolean isFixedSize() {
    return byteSize > 0;
  }

  /** The type of that wire name, or null when there is none. */
  public static @Nullable DataType ofWireName(String name) {
    return BY_NAME.get(name);
  }

  /** The name in {@code config.pbtxt}: {@code TYPE_FP32}, and {@code TYPE_STRING} for BYTES. */
  public String configName() {
    return this == BYTES ? "TYPE_STRING" : "TYPE_" + name();
  }
}
