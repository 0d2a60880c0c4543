package dev.nereid.http;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.nereid.core.Fault;
import dev.nereid.core.FaultException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

final class MultipartTest {
  private static final String TYPE = "multipart/form-data; boundary=XyZ";

  private static List<Multipart.Part> parse(String body) {
    return parse(body, Multipart.Limits.DEFAULT);
  }

  private static List<Multipart.Part> parse(String body, Multipart.Limits limits) {
    return Multipart.parse(buffer(body), TYPE, limits);
  }

  private static ByteBuffer buffer(String body) {
    byte[] bytes = body.getBytes(StandardCharsets.UTF_8);
    return ByteBuffer.allocateDirect(bytes.length).put(bytes).flip();
  }

  @Test
  void findsFieldsAndFilesWithoutCopying() {
    String body =
        """
        preamble
        --XyZ
        Content-Disposition: form-data; name="image"; filename="a \\"b\\";c.jpg"
        Content-Type: image/JPEG; x=y


        --Xy not the end

        --XyZ \t
        content-disposition: form-data; name=note


        --XyZ--
        epilogue"""
            .replace("\n", "\r\n");
    var parts = parse(body);
    assertThat(parts).hasSize(2);
    var image = parts.getFirst();
    assertThat(image.name()).isEqualTo("image");
    assertThat(image.fileName()).isEqualTo("a \"b\";c.jpg");
    assertThat(image.contentType()).isEqualTo("image/jpeg");
    assertThat(body.substring(image.offset(), image.offset() + image.length()))
        .isEqualTo("\r\n--Xy not the end\r\n");
    var note = parts.getLast();
    assertThat(note.name()).isEqualTo("note");
    assertThat(note.fileName()).isNull();
    assertThat(note.length()).isZero();
  }

  @Test
  void takesAQuotedBoundaryAndAFormWithoutParts() {
    String type = "Multipart/Form-Data; charset=utf-8; boundary=\"a b\"";
    assertThat(Multipart.isMultipart(type)).isTrue();
    assertThat(Multipart.parse(buffer("--a b--\r\n"), type, Multipart.Limits.DEFAULT)).isEmpty();
    assertThat(Multipart.isMultipart("application/json")).isFalse();
    assertThat(Multipart.isMultipart(null)).isFalse();
  }

  @Test
  void prefersTheExtendedFileName() {
    var parts =
        parse(
            "--XyZ\r\ncontent-disposition: form-data; name=\"f\"; filename=\"x\";"
                + " filename*=UTF-8''%e2%82%ac%20rates\r\n\r\n.\r\n--XyZ--");
    assertThat(parts.getFirst().fileName()).isEqualTo("\u20ac rates");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "no boundary",
        "--XyZ",
        "--XyZ\r\n",
        "--XyZ\r\ncontent-disposition: form-data; name=a\r\n",
        "--XyZ\r\ncontent-disposition: form-data; name=a\r\n\r\nnever ends",
        "--XyZ\r\ncontent-disposition: form-data\r\n\r\n.\r\n--XyZ--",
        "--XyZ\r\ncontent-disposition: attachment; name=a\r\n\r\n.\r\n--XyZ--",
        "--XyZ\r\n\r\n.\r\n--XyZ--",
        "--XyZtail\r\n\r\n",
        "--XyZ\r\ncontent-disposition: form-data; name=a\r\n"
            + "content-transfer-encoding: base64\r\n\r\nQQ==\r\n--XyZ--"
      })
  void refusesWhatIsNoForm(String body) {
    assertThatThrownBy(() -> parse(body))
        .isInstanceOfSatisfying(
            FaultException.class,
            e -> assertThat(e.failure().fault()).isEqualTo(Fault.INVALID_ARGUMENT))
        .hasMessageStartingWith("multipart: ");
  }

  @ParameterizedTest
  @ValueSource(strings = {"multipart/form-data", "multipart/form-data; boundary=\"\""})
  void refusesATypeWithoutABoundary(String type) {
    assertThatThrownBy(() -> Multipart.parse(buffer("--"), type, Multipart.Limits.DEFAULT))
        .hasMessage("multipart: content-type (expected: a boundary of 1 to 70 characters)");
  }

  @Test
  void countsPartsAndHeaderBytes() {
    String part = "\r\n--XyZ\r\ncontent-disposition: form-data; name=a\r\n\r\n.";
    var limits = new Multipart.Limits(3, 100);
    assertThat(parse(part.repeat(3) + "\r\n--XyZ--", limits)).hasSize(3);
    assertThatThrownBy(() -> parse(part.repeat(4) + "\r\n--XyZ--", limits))
        .hasMessage("multipart: parts (expected: at most 3)");
    String wide = "--XyZ\r\nx: " + "y".repeat(200) + "\r\n\r\n.\r\n--XyZ--";
    assertThatThrownBy(() -> parse(wide, limits))
        .hasMessage("multipart: header lines of a part (expected: at most 100 bytes)");
  }

  @Test
  void survivesDamageWithoutAnythingButAFault() {
    String good =
        """
        --XyZ
        content-disposition: form-data; name="a"; filename*=utf-8''%41
        content-type: image/png

        abc
        --XyZ--
        """
            .replace("\n", "\r\n");
    Random random = new Random(11);
    int refused = 0;
    List<Throwable> strange = new ArrayList<>();
    for (int i = 0; i < 20_000; i++) {
      byte[] bytes = good.getBytes(StandardCharsets.ISO_8859_1);
      for (int j = random.nextInt(4); j >= 0; j--) {
        bytes[random.nextInt(bytes.length)] = (byte) random.nextInt(128);
      }
      int length = random.nextInt(bytes.length + 1);
      try {
        Multipart.parse(ByteBuffer.wrap(bytes, 0, length), TYPE, Multipart.Limits.DEFAULT);
      } catch (FaultException _) {
        refused++;
      } catch (RuntimeException e) {
        strange.add(e);
      }
    }
    assertThat(strange).isEmpty();
    assertThat(refused).isPositive();
  }
}
