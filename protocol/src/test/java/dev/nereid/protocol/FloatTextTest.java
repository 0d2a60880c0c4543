package dev.nereid.protocol;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.charset.StandardCharsets;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** Written floats must be read as themselves, and be no longer than the JDK writes them. */
final class FloatTextTest {
  private static String text(float value) {
    byte[] target = new byte[FloatText.MAX_LENGTH + 1];
    int end = FloatText.put(value, target, 1);
    assertThat(target[0]).isZero();
    return new String(target, 1, end - 1, StandardCharsets.ISO_8859_1);
  }

  private static void holds(float value) {
    String text = text(value);
    String jdk = Float.toString(value);
    assertThat(Float.parseFloat(text)).as(jdk).isEqualTo(value);
    if (!text.equals(jdk)) {
      boolean asShort = text.length() <= jdk.length();
      boolean wholeNumber = text.endsWith(".0");
      boolean powerOfTwo = (Float.floatToRawIntBits(value) & 0x7FFFFF) == 0;
      assertThat(asShort || wholeNumber || powerOfTwo).as(text + " for " + jdk).isTrue();
    }
  }

  @Test
  void randomFloatsOfEverySizeAreWritten() {
    Random random = new Random(1);
    for (int i = 0; i < 300_000; i++) {
      holds(Float.intBitsToFloat(random.nextInt() & 0xBFFFFFFF));
      holds(random.nextFloat());
      holds((float) random.nextGaussian());
      holds((float) (random.nextGaussian() * Math.pow(10, random.nextInt(9) - 2)));
    }
  }

  @Test
  void shortDecimalsStayShort() {
    for (int i = -9_999; i < 10_000; i++) {
      for (int scale : new int[] {10, 100, 1_000}) {
        float value = (float) i / scale;
        assertThat(text(value)).isEqualTo(Float.toString(value));
      }
    }
  }

  @Test
  void edgesAreWritten() {
    assertThat(text(0f)).isEqualTo("0.0");
    assertThat(text(-0f)).isEqualTo("-0.0");
    assertThat(text(1f)).isEqualTo("1.0");
    assertThat(text(-16777215f)).isEqualTo("-16777215.0");
    assertThat(text(Float.NaN)).isEqualTo("NaN");
    assertThat(text(Float.NEGATIVE_INFINITY)).isEqualTo("-Infinity");
    assertThat(text(Float.MIN_VALUE)).isEqualTo("1.4E-45");
    assertThat(text(Float.MAX_VALUE)).isEqualTo("3.4028235E38");
    assertThat(text(0.001f)).isEqualTo("0.001");
    assertThat(text(1e7f)).isEqualTo("10000000.0");
    for (int exponent = -126; exponent < 128; exponent++) {
      float power = (float) Math.scalb(1.0, exponent);
      holds(power);
      holds(Math.nextUp(power));
      holds(Math.nextDown(power));
    }
  }
}
