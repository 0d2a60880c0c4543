package dev.nereid.scheduler;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.math.BigInteger;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HashSet;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The hash against its definition, computed slowly. */
final class KeyedHashTest {
  private static final BigInteger WORD = BigInteger.ONE.shiftLeft(64);
  private static final BigInteger SUM = BigInteger.ONE.shiftLeft(128);

  private static byte[] random(int bytes, long seed) {
    byte[] made = new byte[bytes];
    new Random(seed).nextBytes(made);
    return made;
  }

  private static ByteBuffer direct(byte[] bytes, int before) {
    ByteBuffer buffer = ByteBuffer.allocateDirect(before + bytes.length);
    buffer.put(before, bytes);
    return buffer.position(before).order(ByteOrder.LITTLE_ENDIAN);
  }

  private static MessageDigest sha256() {
    try {
      return MessageDigest.getInstance("SHA-256");
    } catch (NoSuchAlgorithmException e) {
      throw new AssertionError(e);
    }
  }

  private static byte[] hashed(KeyedHash hash, ByteBuffer bytes) {
    MessageDigest digest = sha256();
    hash.update(digest, bytes);
    return digest.digest();
  }

  /** As the class describes it: NH under the key, NH under the key two words on, then the rest. */
  private static byte[] slowly(byte[] bytes, long keySeed) {
    Random random = new Random(keySeed);
    long[] key = new long[KeyedHash.BLOCK / 8 + 2];
    for (int i = 0; i < key.length; i++) {
      key[i] = random.nextLong();
    }
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    ByteBuffer words = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
    int at = 0;
    for (; at + KeyedHash.BLOCK <= bytes.length; at += KeyedHash.BLOCK) {
      for (int shift = 0; shift <= 2; shift += 2) {
        BigInteger sum = BigInteger.ZERO;
        for (int i = 0; i < KeyedHash.BLOCK / 8; i += 2) {
          BigInteger left = plus(words.getLong(at + i * 8), key[i + shift]);
          BigInteger right = plus(words.getLong(at + i * 8 + 8), key[i + 1 + shift]);
          sum = sum.add(left.multiply(right)).mod(SUM);
        }
        ByteBuffer parts = ByteBuffer.allocate(16);
        parts.putLong(sum.longValue()).putLong(sum.shiftRight(64).longValue());
        out.writeBytes(parts.array());
      }
    }
    out.write(bytes, at, bytes.length - at);
    return sha256().digest(out.toByteArray());
  }

  private static BigInteger plus(long word, long key) {
    BigInteger sum = BigInteger.valueOf(word + key);
    return sum.signum() < 0 ? sum.add(WORD) : sum;
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 1, 8, 1023, 1024, 1025, 2048, 5000, 65_536})
  void isWhatItsDefinitionSaysAtEveryLengthAndPlace(int length) {
    byte[] bytes = random(length, length);
    KeyedHash hash = new KeyedHash(new Random(7));
    byte[] expected = slowly(bytes, 7);
    for (int before : new int[] {0, 1, 3, 8}) {
      assertThat(hashed(hash, direct(bytes, before))).isEqualTo(expected);
    }
  }

  @Test
  void everyBitCounts() {
    byte[] bytes = random(2100, 3);
    KeyedHash hash = new KeyedHash(new Random(1));
    Set<String> seen = new HashSet<>();
    seen.add(new BigInteger(hashed(hash, direct(bytes, 0))).toString());
    for (int bit = 0; bit < bytes.length * 8; bit += 5) {
      bytes[bit / 8] ^= (byte) (1 << bit % 8);
      assertThat(seen.add(new BigInteger(hashed(hash, direct(bytes, 0))).toString())).isTrue();
      bytes[bit / 8] ^= (byte) (1 << bit % 8);
    }
  }

  @Test
  void blocksMayNotChangePlaces() {
    byte[] there = random(2048, 5);
    byte[] back = new byte[2048];
    System.arraycopy(there, 0, back, 1024, 1024);
    System.arraycopy(there, 1024, back, 0, 1024);
    KeyedHash hash = new KeyedHash(new Random(1));
    assertThat(hashed(hash, direct(there, 0))).isNotEqualTo(hashed(hash, direct(back, 0)));
  }

  @Test
  void anotherKeyGivesAnotherHash() {
    byte[] bytes = random(4096, 5);
    assertThat(hashed(new KeyedHash(new Random(1)), direct(bytes, 0)))
        .isNotEqualTo(hashed(new KeyedHash(new Random(2)), direct(bytes, 0)));
  }
}
