package dev.nereid.scheduler;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.security.MessageDigest;
import java.util.random.RandomGenerator;

/**
 * Shortens long inputs to a thirty-second for a digest that is slower than memory.
 *
 * <p>Each block of 1 KiB becomes 256 bits by the universal hash NH over 64-bit words, taken twice
 * under a secret key that is shifted by two words (the Toeplitz construction of UMAC, RFC 4418).
 * For two different blocks the chance, over the keys, of the same result is at most 2 to the power
 * of -128, whoever chose the blocks, as long as he does not know the key; it never leaves this
 * object. What follows the last whole block goes into the digest as it is. Thread-safe.
 */
final class KeyedHash {
  /** 64-bit words to a block. */
  private static final int WORDS = 128;

  /** Bytes to a block. */
  static final int BLOCK = WORDS * Long.BYTES;

  /** By how many words the key of the second pass is shifted. */
  private static final int SHIFT = 2;

  private final long[] key = new long[WORDS + SHIFT];

  /** A hash under a key of its own. */
  KeyedHash(RandomGenerator random) {
    for (int i = 0; i < key.length; i++) {
      key[i] = random.nextLong();
    }
  }

  /** Gives the digest what stands for these bytes. Their number must go into it beside. */
  void update(MessageDigest digest, ByteBuffer bytes) {
    if (bytes.remaining() >= BLOCK) {
      ByteBuffer words = bytes.slice().order(ByteOrder.LITTLE_ENDIAN);
      ByteBuffer sums = ByteBuffer.allocate(4 * Long.BYTES);
      int at = 0;
      for (; at + BLOCK <= words.limit(); at += BLOCK) {
        block(words, at, sums.clear());
        digest.update(sums.flip());
      }
      bytes.position(bytes.position() + at);
    }
    digest.update(bytes);
  }

  /** Two sums, modulo 2 to the power of 128, of products of words that the key was added to. */
  private void block(ByteBuffer words, int at, ByteBuffer sums) {
    long low = 0;
    long high = 0;
    long shiftedLow = 0;
    long shiftedHigh = 0;
    for (int i = 0; i < WORDS; i += 2) {
      long even = words.getLong(at + i * Long.BYTES);
      long odd = words.getLong(at + (i + 1) * Long.BYTES);
      long left = even + key[i];
      long right = odd + key[i + 1];
      long product = left * right;
      low += product;
      high += Math.unsignedMultiplyHigh(left, right) + carry(low, product);
      left = even + key[i + SHIFT];
      right = odd + key[i + 1 + SHIFT];
      product = left * right;
      shiftedLow += product;
      shiftedHigh += Math.unsignedMultiplyHigh(left, right) + carry(shiftedLow, product);
    }
    sums.putLong(low).putLong(high).putLong(shiftedLow).putLong(shiftedHigh);
  }

  private static int carry(long sum, long added) {
    return Long.compareUnsigned(sum, added) < 0 ? 1 : 0;
  }
}
