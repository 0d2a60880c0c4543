package dev.nereid.http;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.nereid.core.FaultException;
import dev.nereid.core.MemoryPool;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

final class Base64BodyTest {
  private final MemoryPool memory = new MemoryPool(MemoryPool.Limits.DEFAULT);

  @AfterEach
  void everythingIsGivenBack() {
    assertThat(memory.openLeases()).isZero();
    memory.close();
  }

  private byte[] decoded(String text) {
    byte[] bytes = text.getBytes(StandardCharsets.ISO_8859_1);
    ByteBuffer direct = ByteBuffer.allocateDirect(bytes.length).put(bytes).flip();
    int headroom = text.length() % 5;
    try (var decoded = Base64Body.decode(direct, memory, headroom)) {
      assertThat(decoded.offset()).isEqualTo(headroom);
      byte[] result = new byte[decoded.length()];
      decoded.lease().bytes(headroom, result.length).get(result);
      return result;
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 1, 2, 3, 100, 9215, 9216, 9217, 50_000, 200_001})
  void decodesEveryFormThatClientsSend(int size) {
    byte[] content = new byte[size];
    new Random(size).nextBytes(content);
    String text = Base64.getEncoder().encodeToString(content);
    assertThat(decoded(text)).isEqualTo(content);
    assertThat(decoded("data:image/jpeg;base64," + text)).isEqualTo(content);
    assertThat(decoded("data:image\\/jpeg;base64," + text.replace("/", "\\/"))).isEqualTo(content);
    assertThat(decoded(text.replace("+", "\\u002B").replace("/", "\\u002f"))).isEqualTo(content);
    assertThat(decoded(text.replace("=", ""))).isEqualTo(content);
    assertThat(decoded(Base64.getUrlEncoder().encodeToString(content))).isEqualTo(content);
    String lines = Base64.getMimeEncoder().encodeToString(content);
    assertThat(decoded(lines)).isEqualTo(content);
    assertThat(decoded(lines.replace("\r\n", "\\r\\n"))).isEqualTo(content);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "A",
        "%%%%",
        "QUJD=QUJD",
        "QQ==QQ==",
        "data:text/plain,hello",
        "data:",
        "\\u00",
        "QQ\\u20ac"
      })
  void refusesWhatIsNotBase64(String text) {
    assertThatThrownBy(() -> decoded(text)).isInstanceOf(FaultException.class);
  }

  @Test
  void decodesBigBodies() {
    byte[] content = new byte[5_000_000];
    String text = Base64.getEncoder().encodeToString(content);
    assertThat(decoded(text)).hasSize(content.length);
  }
}
