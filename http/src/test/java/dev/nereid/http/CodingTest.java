package dev.nereid.http;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.nereid.core.Fault;
import dev.nereid.core.FaultException;
import dev.nereid.core.MemoryPool;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufUtil;
import io.netty.buffer.Unpooled;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.Random;
import java.util.zip.DeflaterOutputStream;
import java.util.zip.GZIPInputStream;
import java.util.zip.GZIPOutputStream;
import java.util.zip.InflaterInputStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

final class CodingTest {
  private static final Decompression.Limits LIMITS = new Decompression.Limits(4 << 20, 100);
  private final MemoryPool memory = new MemoryPool(MemoryPool.Limits.DEFAULT);

  @AfterEach
  void everythingIsGivenBack() {
    assertThat(memory.openLeases()).isZero();
    memory.close();
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "gzip|GZIP",
        "deflate|DEFLATE",
        "gzip, deflate, br|GZIP",
        "gzip;q=0.5, deflate;q=0.8|DEFLATE",
        "gzip;q=0|IDENTITY",
        "br|IDENTITY",
        "*|GZIP",
        "*;q=0.1, gzip;q=0|DEFLATE",
        "identity;q=1, gzip;q=0.5|IDENTITY",
        "gzip;q=nonsense|IDENTITY",
        "''|IDENTITY"
      })
  void choosesTheCodingThatTheClientLikesBest(String accepted, ContentCoding expected) {
    assertThat(ContentCoding.preferred(accepted)).isEqualTo(expected);
  }

  @Test
  void packsWhatOthersUnpack() throws Exception {
    byte[] content = text(300_000);
    byte[] gzip = packed(ContentCoding.GZIP, content);
    byte[] deflate = packed(ContentCoding.DEFLATE, content);
    assertThat(gzip.length).isLessThan(content.length);
    assertThat(new GZIPInputStream(new ByteArrayInputStream(gzip)).readAllBytes())
        .isEqualTo(content);
    assertThat(new InflaterInputStream(new ByteArrayInputStream(deflate)).readAllBytes())
        .isEqualTo(content);
  }

  @Test
  void unpacksWhatOthersPack() {
    byte[] content = text(300_000);
    assertThat(unpacked(ContentCoding.GZIP, gzip(content))).isEqualTo(content);
    assertThat(unpacked(ContentCoding.DEFLATE, deflate(content))).isEqualTo(content);
    byte[] wrapped = deflate(content);
    byte[] bare = Arrays.copyOfRange(wrapped, 2, wrapped.length - 4);
    assertThat(unpacked(ContentCoding.DEFLATE, bare)).isEqualTo(content);
    assertThat(unpacked(ContentCoding.GZIP, gzip(new byte[0]))).isEmpty();
  }

  @Test
  void unpacksSeveralMembers() {
    byte[] one = gzip(text(1000));
    byte[] both = Arrays.copyOf(one, 2 * one.length);
    System.arraycopy(one, 0, both, one.length, one.length);
    assertThat(unpacked(ContentCoding.GZIP, both)).hasSize(2000);
  }

  @Test
  void takesABodyOfExactlyTheLimitAndNotOneByteMore() {
    byte[] random = new byte[(4 << 20) + 1];
    new Random(1).nextBytes(random);
    byte[] most = Arrays.copyOf(random, 4 << 20);
    assertThat(unpacked(ContentCoding.GZIP, gzip(most))).hasSize(4 << 20);
    assertThatThrownBy(() -> unpacked(ContentCoding.GZIP, gzip(random)))
        .isInstanceOfSatisfying(
            FaultException.class, e -> assertThat(e.failure().fault()).isEqualTo(Fault.TOO_LARGE));
  }

  @ParameterizedTest
  @ValueSource(ints = {3 << 20, 200 << 20})
  void stopsABombByItsRatioOrItsSize(int size) {
    byte[] bomb = gzip(new byte[size]);
    assertThatThrownBy(() -> unpacked(ContentCoding.GZIP, bomb))
        .isInstanceOf(FaultException.class)
        .hasMessageStartingWith("body: unpacked (expected: at most ");
  }

  @Test
  void refusesDamagedBodies() {
    byte[] good = gzip(text(5000));
    byte[] wrongSum = good.clone();
    wrongSum[good.length - 6] ^= 1;
    byte[] noise = text(100);
    for (byte[] bad : new byte[][] {wrongSum, noise, {}, {0x1f}}) {
      assertThatThrownBy(() -> unpacked(ContentCoding.GZIP, bad))
          .isInstanceOf(FaultException.class)
          .hasMessageStartingWith("body: damaged gzip: ");
    }
    for (int length = 0; length < good.length; length++) {
      byte[] cut = Arrays.copyOf(good, length);
      assertThatThrownBy(() -> unpacked(ContentCoding.GZIP, cut))
          .isInstanceOf(FaultException.class);
    }
  }

  private byte[] unpacked(ContentCoding coding, byte[] packed) {
    ByteBuffer direct = ByteBuffer.allocateDirect(packed.length).put(packed).flip();
    try (var body = Decompression.unpack(coding, direct, LIMITS, memory)) {
      byte[] bytes = new byte[body.length()];
      body.lease().bytes().get(bytes);
      return bytes;
    }
  }

  private static byte[] packed(ContentCoding coding, byte[] content) {
    int half = content.length / 2;
    ByteBuf packed =
        Compression.pack(
            coding,
            1,
            Unpooled.copiedBuffer(content, 0, half),
            Unpooled.copiedBuffer(content, half, content.length - half));
    try {
      return ByteBufUtil.getBytes(packed);
    } finally {
      packed.release();
    }
  }

  private static byte[] gzip(byte[] content) {
    var bytes = new ByteArrayOutputStream();
    try (var out = new GZIPOutputStream(bytes)) {
      out.write(content);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return bytes.toByteArray();
  }

  private static byte[] deflate(byte[] content) {
    var bytes = new ByteArrayOutputStream();
    try (var out = new DeflaterOutputStream(bytes)) {
      out.write(content);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return bytes.toByteArray();
  }

  private static byte[] text(int length) {
    byte[] text = new byte[length];
    Random random = new Random(3);
    for (int i = 0; i < length; i++) {
      text[i] = (byte) ('a' + random.nextInt(4));
    }
    return text;
  }
}
