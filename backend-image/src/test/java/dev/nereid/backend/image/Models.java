package dev.nereid.backend.image;

import com.google.protobuf.TextFormat;
import dev.nereid.backend.BackendProvider;
import dev.nereid.backend.Model;
import dev.nereid.backend.ModelContext;
import dev.nereid.backend.ModelFiles;
import dev.nereid.config.proto.ModelConfig;
import dev.nereid.core.MemoryPool;
import java.awt.Color;
import java.awt.GradientPaint;
import java.awt.Graphics2D;
import java.awt.image.BufferedImage;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.Map;
import javax.imageio.ImageIO;

/** Configurations, models and pictures for tests. */
final class Models {
  private static final ModelFiles NO_FILES = new ModelFiles(Path.of("model"), Path.of("model/1"));

  private Models() {}

  static ModelConfig config(BackendProvider provider, String text) {
    ModelConfig.Builder config =
        ModelConfig.newBuilder().setName("step").setBackend("image").setMaxBatchSize(8);
    try {
      TextFormat.merge(text, config);
    } catch (TextFormat.ParseException e) {
      throw new IllegalArgumentException(text, e);
    }
    return provider.complete(config.build(), NO_FILES);
  }

  static Model open(BackendProvider provider, String text, MemoryPool pool) {
    return provider.open(new ModelContext(config(provider, text), 1, NO_FILES, Map.of(), pool, 2));
  }

  static String parameter(String key, String value) {
    return "parameters { key: \"%s\" value { string_value: \"%s\" } }\n".formatted(key, value);
  }

  /** A picture with slopes in it. */
  static byte[] picture(int width, int height, String format) {
    BufferedImage image = new BufferedImage(width, height, BufferedImage.TYPE_3BYTE_BGR);
    Graphics2D graphics = image.createGraphics();
    graphics.setPaint(new GradientPaint(0, 0, Color.RED, width, height, Color.CYAN));
    graphics.fillRect(0, 0, width, height);
    graphics.dispose();
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    try {
      ImageIO.write(image, format, out);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return out.toByteArray();
  }
}
