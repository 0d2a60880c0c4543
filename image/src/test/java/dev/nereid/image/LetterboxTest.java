package dev.nereid.image;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.within;

import java.nio.ByteBuffer;
import java.util.Random;
import org.junit.jupiter.api.Test;

final class LetterboxTest {
  private static final Fit LETTERBOXED = new Fit.Letterboxed(true, 114);

  @Test
  void aPictureOfTheInputsWidthGetsBarsAboveAndBelow() {
    Letterbox box = Letterbox.of(LETTERBOXED, 640, 480, 640, 640);
    assertThat(box).isEqualTo(new Letterbox(1, 1, 0, 80, 640, 480, 640, 640));
    assertThat(box.contentHeight()).isEqualTo(480);
  }

  @Test
  void anOddFreeRowGoesBelow() {
    Letterbox box = Letterbox.of(LETTERBOXED, 640, 479, 640, 640);
    assertThat(box.padY()).isEqualTo(80);
    assertThat(box.contentHeight()).isEqualTo(479);
  }

  @Test
  void smallPicturesAreEnlargedOnlyWhenAsked() {
    assertThat(Letterbox.of(LETTERBOXED, 64, 32, 640, 640).contentWidth()).isEqualTo(640);
    Letterbox kept = Letterbox.of(new Fit.Letterboxed(false, 114), 64, 32, 640, 640);
    assertThat(kept).isEqualTo(new Letterbox(1, 1, 288, 304, 64, 32, 640, 640));
  }

  @Test
  void halvesAreRoundedToEvenAsInPython() {
    // 5 * 0.5 = 2.5 -> 2 and 7 * 0.5 = 3.5 -> 4
    assertThat(Letterbox.of(LETTERBOXED, 640, 5, 320, 320).contentHeight()).isEqualTo(2);
    assertThat(Letterbox.of(LETTERBOXED, 640, 7, 320, 320).contentHeight()).isEqualTo(4);
  }

  @Test
  void noSideVanishes() {
    assertThat(Letterbox.of(LETTERBOXED, 1, 5000, 640, 640).contentWidth()).isEqualTo(1);
    assertThat(Letterbox.of(LETTERBOXED, 5000, 1, 640, 640).contentHeight()).isEqualTo(1);
  }

  @Test
  void aCropIsNeverSmallerThanTheInput() {
    for (int side = 1; side <= 5000; side++) {
      Letterbox box = Letterbox.of(new Fit.CenterCropped(0), side, 5000, 256, 256);
      assertThat(box.contentWidth()).isEqualTo(256);
      assertThat(box.contentHeight()).isGreaterThanOrEqualTo(256);
      assertThat(box.padY()).isBetween(256 - box.contentHeight(), 0);
    }
  }

  @Test
  void theWayThereAndBackIsOffByLessThanHalfAPixel() {
    Random random = new Random(11);
    for (int i = 0; i < 20_000; i++) {
      int width = 1 + random.nextInt(5000);
      int height = 1 + random.nextInt(5000);
      Fit fit =
          switch (i % 3) {
            case 0 -> LETTERBOXED;
            case 1 -> new Fit.CenterCropped(0);
            default -> new Fit.Stretched();
          };
      Letterbox box = Letterbox.of(fit, width, height, 640, 480);
      ByteBuffer tensor = ByteBuffer.allocate(Letterbox.FLOATS * 4);
      box.writeTo(tensor);
      Letterbox read = Letterbox.readFrom(tensor.flip());
      float x = random.nextFloat() * width;
      float y = random.nextFloat() * height;
      float inputX = x * box.contentWidth() / width + box.padX();
      float inputY = y * box.contentHeight() / height + box.padY();
      assertThat(read.originalX(inputX)).isCloseTo(x, within(0.1f));
      assertThat(read.originalY(inputY)).isCloseTo(y, within(0.1f));
    }
  }

  @Test
  void placesOutsideThePictureAreMovedToItsEdge() {
    Letterbox box = Letterbox.of(LETTERBOXED, 640, 480, 640, 640);
    assertThat(box.originalY(0)).isZero();
    assertThat(box.originalY(640)).isEqualTo(480);
    assertThat(box.originalX(-3)).isZero();
    assertThat(box.originalX(641)).isEqualTo(640);
  }

  @Test
  void aTensorOfZerosIsRefused() {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> Letterbox.readFrom(ByteBuffer.allocate(Letterbox.FLOATS * 4)))
        .withMessage("letterbox.scale_x: 0.0 (expected: > 0)");
  }
}
