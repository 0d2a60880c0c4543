package dev.nereid.bench;

import dev.nereid.image.Preprocessor;
import dev.nereid.image.Recipe;
import dev.nereid.image.Workspace;
import java.awt.image.BufferedImage;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import javax.imageio.ImageIO;

/**
 * The same pictures in every form: the files, and what a client makes of them that prepares them
 * itself. The preparation is the server's own (the middle, scaled to 224x224, from 0 to 1), so that
 * answers must agree.
 */
record Pictures(List<byte[]> encoded, List<float[]> tensors) {
  private static final int SIZE = 224;
  private static final int BLOCK = 14;
  private static final int VALUES = 3 * SIZE * SIZE;

  static Pictures of(List<byte[]> files) {
    Recipe recipe = Recipe.centerCrop(SIZE);
    Preprocessor preprocessor = new Preprocessor(recipe);
    List<float[]> tensors = new ArrayList<>();
    try (Workspace workspace = new Workspace()) {
      for (byte[] file : files) {
        ByteBuffer source = ByteBuffer.allocateDirect(file.length).put(file).flip();
        ByteBuffer slot =
            ByteBuffer.allocateDirect(recipe.tensorBytes()).order(ByteOrder.nativeOrder());
        var _ = preprocessor.apply(source, slot, workspace);
        float[] tensor = new float[VALUES];
        slot.asFloatBuffer().get(tensor);
        tensors.add(tensor);
      }
    }
    return new Pictures(List.copyOf(files), tensors);
  }

  /** Pictures of 224x224 that compress about as well as photographs. */
  static List<byte[]> drawn(int count, long seed) {
    SplittableRandom random = new SplittableRandom(seed);
    List<byte[]> files = new ArrayList<>();
    for (int n = 0; n < count; n++) {
      var image = new BufferedImage(SIZE, SIZE, BufferedImage.TYPE_INT_RGB);
      int[] blocks = random.ints((long) BLOCK * BLOCK, 0, 0xffffff).toArray();
      for (int y = 0; y < SIZE; y++) {
        for (int x = 0; x < SIZE; x++) {
          int grain = random.nextInt(24);
          int block = blocks[y * BLOCK / SIZE * BLOCK + x * BLOCK / SIZE];
          image.setRGB(x, y, (block & 0xe0e0e0) + grain * 0x010101);
        }
      }
      files.add(jpeg(image));
    }
    return files;
  }

  private static byte[] jpeg(BufferedImage image) {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try {
      ImageIO.write(image, "jpg", bytes);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return bytes.toByteArray();
  }

  /** Pictures from that one on, in their files. */
  List<byte[]> files(int first, int batch) {
    List<byte[]> chosen = new ArrayList<>();
    for (int i = 0; i < batch; i++) {
      chosen.add(encoded.get((first + i) % encoded.size()));
    }
    return chosen;
  }

  /** Pictures from that one on, as a tensor's bytes. */
  ByteBuffer pixels(Payload payload, int first, int batch) {
    int size =
        switch (payload) {
          case UINT8 -> 1;
          case FP16 -> Short.BYTES;
          case FP32 -> Float.BYTES;
          case ENCODED, TENSOR ->
              throw new IllegalArgumentException("payload: " + payload + " (expected: pixels)");
        };
    ByteBuffer bytes = ByteBuffer.allocate(batch * VALUES * size).order(ByteOrder.LITTLE_ENDIAN);
    for (int i = 0; i < batch; i++) {
      for (float value : tensors.get((first + i) % tensors.size())) {
        switch (payload) {
          case UINT8 -> bytes.put((byte) Math.round(255 * value));
          case FP16 -> bytes.putShort(Float.floatToFloat16(value));
          case FP32 -> bytes.putFloat(value);
          case ENCODED, TENSOR -> throw new IllegalStateException("payload: " + payload);
        }
      }
    }
    return bytes.flip();
  }
}
