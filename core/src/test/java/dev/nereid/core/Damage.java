package dev.nereid.core;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Random;

/** Changes bytes as disks, transfers and attackers do; in the same way for the same random. */
public final class Damage {
  private static final int MOST_PLACES = 3;
  private static final int LONGEST_RANGE = 40;

  private Damage() {}

  /**
   * A copy that differs in one to three places: cut short, a range lost or doubled, a bit turned, a
   * byte set, or something put in.
   *
   * @param whole at least one byte
   * @param salt what matters to the parser, put in where it does not belong
   */
  public static byte[] of(byte[] whole, Random random, String... salt) {
    byte[] damaged = whole;
    for (int places = 1 + random.nextInt(MOST_PLACES); places > 0; places--) {
      damaged = damaged.length == 0 ? whole : once(damaged, random, salt);
    }
    return damaged;
  }

  private static byte[] once(byte[] bytes, Random random, String... salt) {
    int at = random.nextInt(bytes.length);
    int end = Math.min(bytes.length, at + 1 + random.nextInt(LONGEST_RANGE));
    return switch (random.nextInt(6)) {
      case 0 -> Arrays.copyOf(bytes, at);
      case 1 -> spliced(bytes, at, new byte[0], end);
      case 2 -> spliced(bytes, end, Arrays.copyOfRange(bytes, at, end), end);
      case 3 -> spliced(bytes, at, salted(random, salt), at);
      case 4 -> changed(bytes, at, bytes[at] ^ 1 << random.nextInt(Byte.SIZE));
      default -> changed(bytes, at, random.nextInt(1 << Byte.SIZE));
    };
  }

  private static byte[] salted(Random random, String... salt) {
    return salt.length == 0
        ? new byte[] {(byte) random.nextInt()}
        : salt[random.nextInt(salt.length)].getBytes(StandardCharsets.UTF_8);
  }

  private static byte[] spliced(byte[] bytes, int at, byte[] middle, int rest) {
    ByteArrayOutputStream out = new ByteArrayOutputStream(bytes.length + middle.length);
    out.write(bytes, 0, at);
    out.writeBytes(middle);
    out.write(bytes, rest, bytes.length - rest);
    return out.toByteArray();
  }

  private static byte[] changed(byte[] bytes, int at, int value) {
    byte[] copy = bytes.clone();
    copy[at] = (byte) value;
    return copy;
  }
}
