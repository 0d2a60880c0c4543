package dev.nereid.http;

import dev.nereid.core.Phase;
import dev.nereid.core.Timings;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/**
 * Writes the value of {@code Server-Timing}, in milliseconds: {@code queue;dur=0.014,
 * compute;dur=0.093, encode;dur=0.008, total;dur=0.131}; phases that took no time are left out, and
 * for an ensemble {@code step;desc="model";dur=1.203} tells each step with its queue.
 *
 * <p>It is in every answer of a model, so its bytes are written by hand. One thread.
 */
public final class ServerTiming {
  private static final Phase[] PHASES = Phase.values();
  private static final byte[][] WORDS = new byte[PHASES.length][];
  private static final byte[] NAME = ascii("server-timing: ");
  private static final byte[] NOTHING = {};
  private static final byte[] COMMA = ascii(", ");
  private static final byte[] DURATION = ascii(";dur=");
  private static final byte[] STEP = ascii(", step;desc=\"");
  private static final byte[] TOTAL = ascii(", total;dur=");
  private static final int USUAL_LENGTH = 128;

  static {
    for (int i = 0; i < PHASES.length; i++) {
      WORDS[i] = ascii(PHASES[i].word());
    }
  }

  private byte[] out;
  private int length;

  private ServerTiming(int room) {
    out = new byte[room];
  }

  /**
   * The value.
   *
   * @param encodeNanos from the model's outputs to the answer
   * @param totalNanos from the request's first byte to the answer
   */
  public static String text(Timings timings, long encodeNanos, long totalNanos) {
    ServerTiming written = new ServerTiming(USUAL_LENGTH);
    written.write(timings, encodeNanos, totalNanos);
    return new String(written.out, 0, written.length, StandardCharsets.ISO_8859_1);
  }

  /** The header line with its end, behind room for these lines. */
  static byte[] behind(byte[] lines, Timings timings, long encodeNanos, long totalNanos) {
    ServerTiming written = new ServerTiming(lines.length + USUAL_LENGTH);
    written.put(lines);
    written.put(NAME);
    written.write(timings, encodeNanos, totalNanos);
    written.put('\r');
    written.put('\n');
    return Arrays.copyOf(written.out, written.length);
  }

  /** Nanoseconds of a phase, encoding among them. */
  static long nanos(Timings timings, Phase phase, long encodeNanos) {
    return phase == Phase.ENCODE ? encodeNanos : timings.nanos(phase);
  }

  private void write(Timings timings, long encodeNanos, long totalNanos) {
    for (int i = 0; i < PHASES.length; i++) {
      long nanos = nanos(timings, PHASES[i], encodeNanos);
      if (i == 0 || nanos > 0) {
        put(i == 0 ? NOTHING : COMMA);
        put(WORDS[i]);
        put(DURATION);
        putMillis(nanos);
      }
    }
    for (int i = 0; i < timings.steps().size(); i++) {
      Timings.Step step = timings.steps().get(i);
      put(STEP);
      putQuoted(step.model());
      put('"');
      put(DURATION);
      putMillis(step.nanos());
    }
    put(TOTAL);
    putMillis(totalNanos);
  }

  private void putMillis(long nanos) {
    long micros = Math.max(0, nanos / 1000);
    long millis = micros / 1000;
    long divisor = 1;
    while (millis / divisor >= 10) {
      divisor *= 10;
    }
    for (long d = divisor; d > 0; d /= 10) {
      put((char) ('0' + millis / d % 10));
    }
    int rest = (int) (micros % 1000);
    put('.');
    put((char) ('0' + rest / 100));
    put((char) ('0' + rest / 10 % 10));
    put((char) ('0' + rest % 10));
  }

  private void putQuoted(String text) {
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      put(c < ' ' || c >= 0x7f || c == '"' || c == '\\' ? '_' : c);
    }
  }

  private void put(byte[] bytes) {
    if (length + bytes.length > out.length) {
      out = Arrays.copyOf(out, 2 * (length + bytes.length));
    }
    System.arraycopy(bytes, 0, out, length, bytes.length);
    length += bytes.length;
  }

  private void put(char c) {
    if (length == out.length) {
      out = Arrays.copyOf(out, 2 * length);
    }
    out[length++] = (byte) c;
  }

  private static byte[] ascii(String text) {
    return text.getBytes(StandardCharsets.US_ASCII);
  }
}
