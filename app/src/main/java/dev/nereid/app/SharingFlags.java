package dev.nereid.app;

import dev.nereid.engine.EngineOptions;
import dev.nereid.scheduler.RateLimiter;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import picocli.CommandLine.Option;

/** Options on what models share. */
final class SharingFlags {
  private static final String LOCAL = "local";
  private static final String OFF = "off";
  private static final String EXECUTION_COUNT = "execution_count";

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

  @Option(
      names = "--rate-limit",
      paramLabel = "off|execution_count",
      description = "Whether executions wait for the resources that instance groups declare (off).")
  private String rateLimit = OFF;

  @Option(
      names = "--rate-limit-resource",
      paramLabel = "NAME:COUNT[:DEVICE]",
      description =
          "How much there is of a resource, on each device or one (a GPU's number, -1 for the"
              + " CPU); may be repeated.")
  private List<String> resources = new ArrayList<>();

  @Option(
      names = "--backend-directory",
      paramLabel = "DIR",
      description = "Where back ends in Java are looked for, in DIR/NAME/*.jar; may be repeated.")
  private List<Path> backendDirectories = new ArrayList<>();

  EngineOptions.Shared options() {
    boolean limited = rateLimit.equals(EXECUTION_COUNT);
    require(limited || rateLimit.equals(OFF), "--rate-limit", rateLimit, "off or execution_count");
    return new EngineOptions.Shared(
        bytes(),
        limited,
        resources.stream().map(SharingFlags::resource).toList(),
        backendDirectories);
  }

  private static RateLimiter.Resource resource(String text) {
    String[] words = text.split(":", -1);
    try {
      if (words.length == 2 || words.length == 3) {
        Integer device = words.length == 2 ? null : Integer.valueOf(words[2]);
        return new RateLimiter.Resource(words[0], Long.parseLong(words[1]), device);
      }
    } catch (IllegalArgumentException _) {
      throw new Mishap(notAResource(text));
    }
    throw new Mishap(notAResource(text));
  }

  private static String notAResource(String text) {
    return "--rate-limit-resource: " + text + " (expected: NAME:COUNT or NAME:COUNT:DEVICE)";
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
