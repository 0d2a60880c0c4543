package dev.nereid.client;

import com.google.protobuf.CodedOutputStream;
import dev.nereid.config.proto.ModelConfig;
import java.io.IOException;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.List;

/**
 * A model that a target can serve now.
 *
 * @param versions ready, as the target names them
 * @param config in force there
 * @param content a text that stands for all of this, the same wherever the same is served
 */
record RemoteModel(String name, List<String> versions, ModelConfig config, String content) {
  RemoteModel {
    versions = List.copyOf(versions);
  }

  RemoteModel(String name, List<String> versions, ModelConfig config) {
    this(name, versions, config, name + versions + digest(config));
  }

  private static String digest(ModelConfig config) {
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

  /** Whether running a request twice does no harm: nothing is remembered between requests. */
  boolean isStateless() {
    return !config.hasSequenceBatching() && !config.getModelTransactionPolicy().getDecoupled();
  }

  /** How many priorities the model tells apart; 0 for none. */
  long priorityLevels() {
    return config.getDynamicBatching().getPriorityLevels();
  }

  boolean serves(long version) {
    return version < 0 || versions.contains(Long.toString(version));
  }
}
