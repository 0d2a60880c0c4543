package dev.nereid.protocol;

import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.CodingErrorAction;
import java.nio.charset.StandardCharsets;
import org.jspecify.annotations.Nullable;

/**
 * Strings by their UTF-8 bytes, for the few names that every request repeats: models, tensors, data
 * types, JSON members. A hit allocates nothing.
 *
 * <p><b>Threading.</b> Used by any number of threads. Entries are immutable, and a lost update only
 * costs the next look-up an allocation; so there is neither lock nor fence.
 */
final class NameCache {
  private static final int SLOTS = 1024;

  /** Longer strings are not names worth keeping. */
  private static final int MAX_LENGTH = 64;

  private final @Nullable Entry[] entries = new @Nullable Entry[SLOTS];

  private static final class Entry {
    final byte[] bytes;
    final String text;

    Entry(byte[] bytes, String text) {
      this.bytes = bytes;
      this.text = text;
    }

    boolean holds(ByteBuffer from, int offset, int length) {
      if (bytes.length != length) {
        return false;
      }
      for (int i = 0; i < length; i++) {
        if (bytes[i] != from.get(offset + i)) {
          return false;
        }
      }
      return true;
    }
  }

  /**
   * The string of these bytes.
   *
   * @throws CharacterCodingException when they are not UTF-8
   */
  String get(ByteBuffer from, int offset, int length) throws CharacterCodingException {
    if (length == 0) {
      return "";
    }
    if (length > MAX_LENGTH) {
      return decode(from, offset, length);
    }
    int hash = length;
    for (int i = 0; i < length; i++) {
      hash = 31 * hash + from.get(offset + i);
    }
    int slot = (hash ^ hash >>> 10 ^ hash >>> 20) & SLOTS - 1;
    Entry entry = entries[slot];
    if (entry != null && entry.holds(from, offset, length)) {
      return entry.text;
    }
    byte[] bytes = new byte[length];
    from.get(offset, bytes);
    String text = decode(from, offset, length);
    entries[slot] = new Entry(bytes, text);
    return text;
  }

  /**
   * The string of these bytes, which is not kept.
   *
   * @throws CharacterCodingException when they are not UTF-8
   */
  static String decode(ByteBuffer from, int offset, int length) throws CharacterCodingException {
    byte[] bytes = new byte[length];
    from.get(offset, bytes);
    int signs = 0;
    for (byte b : bytes) {
      signs |= b;
    }
    if (signs >= 0) {
      return new String(bytes, StandardCharsets.ISO_8859_1);
    }
    return StandardCharsets.UTF_8
        .newDecoder()
        .onMalformedInput(CodingErrorAction.REPORT)
        .onUnmappableCharacter(CodingErrorAction.REPORT)
        .decode(ByteBuffer.wrap(bytes))
        .toString();
  }
}
