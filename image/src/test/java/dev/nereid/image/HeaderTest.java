package dev.nereid.image;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import dev.nereid.core.Fault;
import dev.nereid.core.FaultException;
import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.HexFormat;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

final class HeaderTest {
  private static final byte[] START = HexFormat.of().parseHex("ffd8");
  private static final byte[] SCAN = HexFormat.of().parseHex("ffda000c03010002110311003f00");

  private static ByteBuffer jpeg(byte[]... parts) {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    for (byte[] part : parts) {
      out.writeBytes(part);
    }
    return Golden.direct(out.toByteArray());
  }

  /** A frame header of 0x0123 rows and 0x0456 columns. */
  private static byte[] frame(int marker) {
    return HexFormat.of()
        .parseHex(
            "ff"
                + HexFormat.of().toHexDigits((byte) marker)
                + "0011080123045603012200021101031101");
  }

  @ParameterizedTest
  @ValueSource(
      ints = {0xc0, 0xc1, 0xc2, 0xc3, 0xc5, 0xc6, 0xc7, 0xc9, 0xca, 0xcb, 0xcd, 0xce, 0xcf})
  void everyKindOfJpegFrameTellsItsSize(int marker) {
    ImageHeader header = ImageHeader.probe(jpeg(START, frame(marker), SCAN));
    assertThat(header.width()).isEqualTo(0x456);
    assertThat(header.height()).isEqualTo(0x123);
  }

  @Test
  void aFrameLaterThanTablesAndFillBytesIsFound() {
    byte[] tables = HexFormat.of().parseHex("ffc40006aabbccddffcc0004aabbffffff");
    byte[] frame = frame(0xc0);
    ImageHeader header =
        ImageHeader.probe(
            jpeg(START, tables, java.util.Arrays.copyOfRange(frame, 1, frame.length), SCAN));
    assertThat(header.width()).isEqualTo(0x456);
  }

  @Test
  void theScansOfAProgressiveJpegAreCounted() {
    byte[] data = HexFormat.of().parseHex("1234ff0056ffd078");
    byte[] end = HexFormat.of().parseHex("ffd9");
    ByteBuffer three = jpeg(START, frame(0xc2), SCAN, data, SCAN, data, SCAN, data, end, SCAN);
    assertThat(ImageHeader.probe(three).scans()).isEqualTo(3);
    assertThat(ImageHeader.probe(jpeg(START, frame(0xc0), SCAN, data, SCAN)).scans()).isEqualTo(1);
  }

  @Test
  void whatIsNoPictureIsOfAnUnsupportedKind() {
    for (String text : new String[] {"", "G", "<svg/>", "%PDF-1.7", "RIFF....WAVE"}) {
      assertFault(text.getBytes(StandardCharsets.US_ASCII), Fault.UNSUPPORTED_MEDIA);
    }
  }

  @Test
  void aHeaderCutOffIsDamaged() {
    for (String name : Golden.sources()) {
      byte[] whole = Golden.bytes(name);
      byte[] part = java.util.Arrays.copyOf(whole, 13);
      assertFault(part, name.endsWith(".gif") ? null : Fault.UNPROCESSABLE);
    }
  }

  @Test
  void noSizeIsDamaged() {
    byte[] gif = "GIF89a\0\0\0\0\0\0\0".getBytes(StandardCharsets.ISO_8859_1);
    assertFault(gif, Fault.UNPROCESSABLE);
  }

  @Test
  void limitsAreCheckedOnTheHeaderAlone() {
    byte[] png = Golden.bytes("rgb.png");
    ByteBuffer.wrap(png).putInt(16, 50_000).putInt(20, 50_000);
    ImageHeader header = ImageHeader.probe(Golden.direct(png));
    ImageLimits wide = new ImageLimits(1000, 64_000_000, 1 << 20, 100);
    assertThatExceptionOfType(FaultException.class)
        .isThrownBy(() -> wide.require(header))
        .withMessage("image: 50000x50000 (expected: at most 64000000 pixels)")
        .matches(e -> e.failure().fault() == Fault.TOO_LARGE);
    assertThatExceptionOfType(FaultException.class)
        .isThrownBy(() -> ImageLimits.DEFAULT.require(header))
        .withMessage("image: 50000x50000 (expected: at most 16384 pixels a side)");
    assertThatExceptionOfType(FaultException.class)
        .isThrownBy(() -> wide.requireEncodedBytes(1001))
        .withMessage("image: 1001 bytes (expected: at most 1000 bytes)");
  }

  private static void assertFault(byte[] bytes, @Nullable Fault fault) {
    try {
      ImageHeader header = ImageHeader.probe(Golden.direct(bytes));
      assertThat(fault).as("probed %s", header).isNull();
    } catch (FaultException e) {
      assertThat(e.failure().fault()).isEqualTo(fault);
    }
  }
}
