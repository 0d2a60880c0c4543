package dev.nereid.protocol;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.nereid.core.FaultException;
import java.math.BigDecimal;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Locale;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Numbers must be exactly what the JDK's parser makes of them. */
final class JsonNumberTest {
  private static final int ROUNDS = 100_000;

  private final JsonNumber number = new JsonNumber();
  private final ByteBuffer buffer = ByteBuffer.allocateDirect(4096).order(ByteOrder.LITTLE_ENDIAN);

  private int scan(String text) {
    buffer.clear().put(text.getBytes(StandardCharsets.ISO_8859_1)).flip();
    return number.scan(buffer, 0, text.length());
  }

  private void agrees(String text) {
    assertThat(scan(text)).as(text).isEqualTo(text.length());
    double expected = Double.parseDouble(text);
    if (!Double.isInfinite(expected)) {
      assertThat(Float.floatToRawIntBits(number.toFloat(buffer)))
          .as(text)
          .isEqualTo(Float.floatToRawIntBits(Float.parseFloat(text)));
      assertThat(Double.doubleToRawLongBits(number.toDouble(buffer)))
          .as(text)
          .isEqualTo(Double.doubleToRawLongBits(expected));
    }
  }

  @Test
  void everyWayToWriteARandomFloatMeansThatFloat() {
    Random random = new Random(1);
    for (int i = 0; i < ROUNDS; i++) {
      float value = Float.intBitsToFloat(random.nextInt());
      if (Float.isFinite(value)) {
        agrees(Float.toString(value));
        agrees(Double.toString(value));
      }
      float unit = random.nextFloat() * 2 - 1;
      agrees(Double.toString(unit));
      agrees(new BigDecimal(unit).toPlainString());
    }
  }

  @Test
  void randomDoublesAreRead() {
    Random random = new Random(2);
    for (int i = 0; i < ROUNDS; i++) {
      double value = Double.longBitsToDouble(random.nextLong());
      if (Double.isFinite(value)) {
        agrees(Double.toString(value));
      }
      agrees(String.format(Locale.ROOT, "%.6f", random.nextGaussian()));
    }
  }

  @Test
  void pointsHalfWayBetweenFloatsAndDoublesAreRoundedToEven() {
    Random random = new Random(3);
    for (int i = 0; i < ROUNDS / 10; i++) {
      float value = Float.intBitsToFloat(random.nextInt() & 0x7FFFFFFF);
      if (Float.isFinite(value) && value < Float.MAX_VALUE) {
        BigDecimal half =
            new BigDecimal(value).add(new BigDecimal(Math.nextUp(value))).divide(new BigDecimal(2));
        agrees(half.toPlainString());
        agrees(half.toString());
      }
      double wide = random.nextDouble() * 1e6;
      BigDecimal between =
          new BigDecimal(wide).add(new BigDecimal(Math.nextUp(wide))).divide(new BigDecimal(2));
      agrees(between.toPlainString());
    }
  }

  @Test
  void randomDigitStringsOfEveryLengthAreRead() {
    Random random = new Random(4);
    for (int i = 0; i < ROUNDS; i++) {
      StringBuilder text = new StringBuilder(random.nextBoolean() ? "-" : "");
      text.append(random.nextInt(4) == 0 ? "0" : Integer.toString(1 + random.nextInt(999_999)));
      if (random.nextInt(8) != 0) {
        text.append('.').append("0".repeat(random.nextInt(3) == 0 ? random.nextInt(30) : 0));
        for (int n = 1 + random.nextInt(26); n > 0; n--) {
          text.append((char) ('0' + random.nextInt(10)));
        }
      }
      if (random.nextInt(3) == 0) {
        text.append(random.nextBoolean() ? "e" : "E").append(random.nextInt(90) - 50);
      }
      agrees(text.toString());
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "0",
        "-0",
        "0.0",
        "-0.0",
        "1",
        "-1",
        "0.1",
        "1e5",
        "1E+5",
        "1e-5",
        "16777217",
        "16777219",
        "1.40129846432481707e-45",
        "7.0e-46",
        "7.1e-46",
        "1.17549435e-38",
        "3.4028235e38",
        "3.4028236e38",
        "3.5e38",
        "1e39",
        "1e308",
        "4.9e-324",
        "2e-324",
        "1e-400",
        "0e999999",
        "9007199254740993",
        "18446744073709551615",
        "18446744073709551616",
        "99999999999999999999",
        "0.000000000000000000000000000000000000000000000000000000000001",
        "8388608.5",
        "8388609.5"
      })
  void edgesAreRead(String text) {
    agrees(text);
  }

  @Test
  void literalsThatV2AddsToJsonAreRead() {
    assertThat(scan("NaN")).isEqualTo(3);
    assertThat(number.toFloat(buffer)).isNaN();
    assertThat(scan("-Infinity")).isEqualTo(9);
    assertThat(number.toFloat(buffer)).isEqualTo(Float.NEGATIVE_INFINITY);
    assertThat(scan("Inf,")).isEqualTo(3);
    assertThat(number.toDouble(buffer)).isEqualTo(Double.POSITIVE_INFINITY);
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "-", ".5", "+1", "1.", "1.e5", "1e", "1e+", "Na", "Infi", "x", "-x"})
  void whatIsNoNumberIsRefused(String text) {
    int next = scan(text);
    assertThat(next < 0 || text.startsWith("Infi")).isTrue();
  }

  @Test
  void aNumberBeyondEveryDoubleIsRefused() {
    scan("1e400");
    assertThatThrownBy(() -> number.toFloat(buffer))
        .isInstanceOf(FaultException.class)
        .hasMessageContaining("Number too big");
  }

  @Test
  void integersKnowWhatTheyFit() {
    scan("9223372036854775808");
    assertThat(number.fitsSigned()).isFalse();
    assertThat(number.fitsUnsigned()).isTrue();
    scan("-9223372036854775808");
    assertThat(number.fitsSigned()).isTrue();
    assertThat(number.integer()).isEqualTo(Long.MIN_VALUE);
    scan("18446744073709551615");
    assertThat(number.fitsUnsigned()).isTrue();
    assertThat(number.integer()).isEqualTo(-1);
    scan("18446744073709551616");
    assertThat(number.fitsUnsigned()).isFalse();
    scan("1.0");
    assertThat(number.fitsSigned()).isFalse();
    scan("-1");
    assertThat(number.fitsUnsigned()).isFalse();
  }
}
