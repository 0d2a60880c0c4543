package dev.nereid.image;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import dev.nereid.core.Fault;
import dev.nereid.core.FaultException;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.EnumSet;
import java.util.Map;
import java.util.Random;
import org.bytedeco.opencv.global.opencv_core;
import org.bytedeco.opencv.opencv_core.Scalar;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;

/** Files that were made to harm, or came to harm. */
final class HostileTest {
  /** A corrupt size makes a picture huge at times; that is within the limits and takes long. */
  private static final Recipe RECIPE =
      new Recipe(
          96,
          96,
          new Fit.Letterboxed(true, 114),
          Interpolation.LINEAR,
          PixelFormat.PLAIN,
          new Recipe.Decoding(new ImageLimits(1 << 20, 1 << 20, 16_384, 100), true, false));

  private final Preprocessor preprocessor = new Preprocessor(RECIPE);
  private final ByteBuffer slot = Golden.slot(RECIPE);

  @Test
  void everyTruncationIsAnAnswerAndNoCrash() {
    try (Workspace workspace = new Workspace()) {
      for (String name : Golden.sources()) {
        byte[] whole = Golden.bytes(name);
        for (int part = 0; part < 24; part++) {
          outcome(Arrays.copyOf(whole, whole.length * part / 24), workspace);
        }
      }
    }
  }

  @Test
  void aTruncatedPictureIsRefusedAndNotShownInPart() {
    try (Workspace workspace = new Workspace()) {
      for (String name : new String[] {"baseline_420.jpg", "progressive.jpg", "rgb.png"}) {
        byte[] whole = Golden.bytes(name);
        assertThat(outcome(Arrays.copyOf(whole, whole.length * 2 / 3), workspace))
            .isEqualTo(Fault.UNPROCESSABLE);
      }
    }
  }

  @Test
  void thousandsOfCorruptionsAreAnswersAndNoCrash() {
    Random random = new Random(5);
    Map<Fault, Integer> faults = new EnumMap<>(Fault.class);
    try (Workspace workspace = new Workspace()) {
      for (String name : Golden.sources()) {
        byte[] whole = Golden.bytes(name);
        for (int round = 0; round < 80; round++) {
          byte[] corrupt = whole.clone();
          for (int n = 1 + random.nextInt(10); n > 0; n--) {
            corrupt[random.nextInt(corrupt.length)] = (byte) random.nextInt();
          }
          Fault fault = outcome(corrupt, workspace);
          if (fault != null) {
            faults.merge(fault, 1, Integer::sum);
          }
        }
      }
    }
    assertThat(faults.keySet())
        .isSubsetOf(EnumSet.of(Fault.UNPROCESSABLE, Fault.UNSUPPORTED_MEDIA, Fault.TOO_LARGE));
  }

  /** What a decoder leaves unwritten must not be what the thread's last picture was. */
  @Test
  void noPixelOfThePictureBeforeShowsThroughADamagedOne() {
    Random random = new Random(6);
    try (Workspace dark = new Workspace();
        Workspace bright = new Workspace()) {
      for (String name : Golden.sources()) {
        byte[] whole = Golden.bytes(name);
        for (int round = 0; round < 30; round++) {
          byte[] corrupt = whole.clone();
          corrupt[whole.length / 4 + random.nextInt(whole.length * 3 / 4)] ^=
              (byte) (1 + random.nextInt(255));
          byte[] first = pixels(corrupt, dark, 0);
          byte[] second = pixels(corrupt, bright, 255);
          assertThat(first).as(name).isEqualTo(second);
        }
      }
    }
  }

  private static byte[] pixels(byte[] bytes, Workspace workspace, int before) {
    ByteBuffer encoded = Golden.direct(bytes);
    try (Scalar value = Scalar.all(before)) {
      ImageHeader header = ImageHeader.probe(encoded);
      ImageLimits.DEFAULT.require(header);
      if (header.codedPixels() > 1 << 22) {
        return new byte[0];
      }
      workspace.decoded.create(header.height(), header.width(), opencv_core.CV_8UC3);
      workspace.decoded.put(value);
      var decoded = ImageDecoder.decode(encoded, header, true, 1, workspace);
      byte[] pixels = new byte[(int) decoded.total() * 3];
      decoded.data().get(pixels);
      return pixels;
    } catch (FaultException e) {
      return e.failure().fault().name().getBytes(StandardCharsets.US_ASCII);
    }
  }

  @Test
  void aThousandScansAreRefusedAtOnce() {
    byte[] bomb = manyScans(1000);
    long start = System.nanoTime();
    assertThatExceptionOfType(FaultException.class)
        .isThrownBy(() -> preprocess(bomb))
        .withMessage("image: 1000 scans or more (expected: at most 100 scans)")
        .matches(e -> e.failure().fault() == Fault.TOO_LARGE);
    assertThat(Duration.ofNanos(System.nanoTime() - start)).isLessThan(Duration.ofSeconds(5));
  }

  @Test
  void aTinyFileThatDeclaresAHugePictureIsRefusedUndecoded() {
    byte[] png = Golden.bytes("rgb.png");
    ByteBuffer.wrap(png).putInt(16, 50_000).putInt(20, 50_000);
    assertThatExceptionOfType(FaultException.class)
        .isThrownBy(() -> preprocess(png))
        .matches(e -> e.failure().fault() == Fault.TOO_LARGE);
  }

  @Test
  void aChunkThatClaimsGigabytesCostsNothing() {
    byte[] png = Golden.bytes("rgb.png");
    ByteBuffer.wrap(png).putInt(33, 0xfffffff0);
    assertThatExceptionOfType(FaultException.class)
        .isThrownBy(() -> preprocess(png))
        .withMessageStartingWith("image: damaged PNG: a chunk that ends after byte ")
        .matches(e -> e.failure().fault() == Fault.UNPROCESSABLE);
  }

  @Test
  void aVeryLongPictureIsCroppedWithoutScalingAllOfIt() {
    Recipe recipe = Recipe.centerCrop(224);
    ByteBuffer out = Golden.slot(recipe);
    try (Workspace workspace = new Workspace()) {
      Letterbox box =
          new Preprocessor(recipe).apply(Golden.direct(Golden.bytes("tall.png")), out, workspace);
      assertThat(box.contentHeight()).isEqualTo(300 * 224);
      assertThat(workspace.resized.rows()).isLessThan(2000);
    }
    float top = out.getFloat(0);
    assertThat(top).isBetween(0f, 1f);
  }

  @Test
  void memoryComesBack() throws IOException {
    Assumptions.assumeTrue(Files.exists(Path.of("/proc/self/statm")));
    byte[] good = Golden.bytes("baseline_420.jpg");
    byte[] bad = Arrays.copyOf(good, good.length / 2);
    ByteBuffer encoded = Golden.direct(good);
    ByteBuffer damaged = Golden.direct(bad);
    try (Workspace workspace = new Workspace()) {
      rounds(300, encoded, damaged, workspace);
      long before = residentBytes();
      rounds(6000, encoded, damaged, workspace);
      // A leak of the smallest of the matrices made for each picture would come to 350 MB.
      assertThat(residentBytes() - before).isLessThan(64L << 20);
    }
  }

  private void rounds(int count, ByteBuffer good, ByteBuffer bad, Workspace workspace) {
    for (int i = 0; i < count; i++) {
      preprocessor.apply(good, slot, workspace);
      try {
        preprocessor.apply(bad, slot, workspace);
      } catch (FaultException expected) {
        assertThat(expected.failure().fault()).isEqualTo(Fault.UNPROCESSABLE);
      }
    }
  }

  private static long residentBytes() throws IOException {
    return Long.parseLong(Files.readString(Path.of("/proc/self/statm")).split(" ", -1)[1]) * 4096;
  }

  /** The progressive reference with its last scan written many times over. */
  private static byte[] manyScans(int scans) {
    byte[] whole = Golden.bytes("progressive.jpg");
    int last = whole.length - 2;
    while (!(whole[last] == (byte) 0xff && whole[last + 1] == (byte) 0xda)) {
      last--;
    }
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    out.write(whole, 0, last);
    for (int i = 0; i < scans; i++) {
      out.write(whole, last, whole.length - 2 - last);
    }
    out.write(0xff);
    out.write(0xd9);
    return out.toByteArray();
  }

  private void preprocess(byte[] bytes) {
    try (Workspace workspace = new Workspace()) {
      preprocessor.apply(Golden.direct(bytes), slot, workspace);
    }
  }

  private @Nullable Fault outcome(byte[] bytes, Workspace workspace) {
    try {
      preprocessor.apply(Golden.direct(bytes), slot, workspace);
      return null;
    } catch (FaultException e) {
      return e.failure().fault();
    }
  }
}
