package dev.nereid.app;

import dev.nereid.engine.EngineOptions;
import java.util.ArrayList;
import java.util.List;
import picocli.CommandLine.Option;

/** Options on what models share. */
final class SharingFlags {
  private static final String LOCAL = "local";

  @Option(
      names = "--cache-config",
      paramLabel = "local,size=BYTES",
      description =
          "Keep answers of models with response_cache, in so many bytes of off-heap memory.")
  private List<String> cache = new ArrayList<>();

  @Option(
      names = "--response-cache-byte-size",
      paramLabel = "BYTES",
      description = "The same in Triton's older form; 0 for no cache.")
  private long cacheBytes;

  EngineOptions.Shared options() {
    return new EngineOptions.Shared(bytes());
  }

  private long bytes() {
    if (cache.isEmpty()) {
      require(cacheBytes >= 0, "--response-cache-byte-size", cacheBytes, "0 or more");
      return cacheBytes;
    }
    require(
        cacheBytes == 0, "--response-cache-byte-size", cacheBytes, "none beside --cache-config");
    long bytes = 0;
    for (String setting : cache) {
      bytes = size(setting);
    }
    return bytes;
  }

  private static long size(String setting) {
    String expected = "local,size=BYTES, with 1 byte or more";
    String[] words = setting.split("[,=]", -1);
    boolean known = words.length == 3 && words[0].equals(LOCAL) && words[1].equals("size");
    require(known, "--cache-config", setting, expected);
    try {
      long bytes = Long.parseLong(words[2]);
      require(bytes > 0, "--cache-config", setting, expected);
      return bytes;
    } catch (NumberFormatException _) {
      throw new Mishap("--cache-config: " + setting + " (expected: " + expected + ")");
    }
  }

  private static void require(boolean holds, String name, Object value, String expected) {
    if (!holds) {
      throw new Mishap(name + ": " + value + " (expected: " + expected + ")");
    }
  }
}
