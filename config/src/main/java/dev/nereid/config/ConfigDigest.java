package dev.nereid.config;

import com.google.protobuf.CodedOutputStream;
import dev.nereid.config.proto.ModelConfig;
import java.io.IOException;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;

/** A text that stands for a configuration. Stateless. */
public final class ConfigDigest {
  private ConfigDigest() {}

  /** The same for equal configurations, whatever the order of their maps. */
  public static String of(ModelConfig config) {
    byte[] bytes = new byte[config.getSerializedSize()];
    CodedOutputStream out = CodedOutputStream.newInstance(bytes);
    out.useDeterministicSerialization();
    try {
      config.writeTo(out);
      return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(bytes));
    } catch (IOException | NoSuchAlgorithmException e) {
      throw new IllegalStateException("configuration: no digest (expected: SHA-256)", e);
    }
  }
}
