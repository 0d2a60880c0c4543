package dev.nereid.gateway;

import dev.nereid.http.ListenerOptions;
import java.nio.file.Path;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * How the gateway behaves.
 *
 * @param batchImages pictures in one request at most
 * @param streamImages pictures at most in one request whose results are sent one by one; never
 *     fewer than in any other
 * @param aliases other names for models, by alias
 * @param samples a folder with pictures that the page offers; null for none
 * @param results how results are kept; null when they are not
 * @param traffic where the requests for models go, by model, as {@code PUT /traffic/{model}} takes
 *     it: maps, lists, texts and numbers
 * @param payloads which pictures of clients are written down; null for none
 * @param version of the program, as it tells clients
 */
public record GatewayOptions(
    ListenerOptions listener,
    int batchImages,
    int streamImages,
    Map<String, String> aliases,
    @Nullable Path samples,
    @Nullable ResultCacheOptions results,
    Map<String, ?> traffic,
    @Nullable PayloadSampleOptions payloads,
    String version) {
  /** The usual limit on a body. */
  public static final int BODY_BYTES = 50 << 20;

  /** The usual limit on the pictures of a request. */
  public static final int BATCH_IMAGES = 64;

  /** The usual limit on the pictures of a request whose results are sent one by one. */
  public static final int STREAM_IMAGES = 1024;

  public GatewayOptions {
    aliases = Map.copyOf(aliases);
    traffic = Map.copyOf(traffic);
    if (batchImages < 1) {
      throw new IllegalArgumentException("batch-images: " + batchImages + " (expected: >= 1)");
    }
    streamImages = Math.max(streamImages, batchImages);
  }

  /** The defaults on that port, without samples. */
  public static GatewayOptions of(int port, String version) {
    ListenerOptions listener = ListenerOptions.of("gateway", port);
    return new GatewayOptions(
        listener.within(listener.limits().withBodyBytes(BODY_BYTES)),
        BATCH_IMAGES,
        STREAM_IMAGES,
        Map.of(),
        null,
        null,
        Map.of(),
        null,
        version);
  }

  /** These options with a listener that behaves otherwise. */
  public GatewayOptions with(ListenerOptions other) {
    return new GatewayOptions(
        other, batchImages, streamImages, aliases, samples, results, traffic, payloads, version);
  }

  /** These options with sample pictures. */
  public GatewayOptions withSamples(Path folder) {
    return new GatewayOptions(
        listener, batchImages, streamImages, aliases, folder, results, traffic, payloads, version);
  }

  /** These options with results that are kept. */
  public GatewayOptions keeping(ResultCacheOptions kept) {
    return new GatewayOptions(
        listener, batchImages, streamImages, aliases, samples, kept, traffic, payloads, version);
  }

  /** These options with plans for where the requests for models go. */
  public GatewayOptions with(Map<String, ?> plans) {
    return new GatewayOptions(
        listener, batchImages, streamImages, aliases, samples, results, plans, payloads, version);
  }

  /** These options with requests that are written down. */
  public GatewayOptions sampling(PayloadSampleOptions wanted) {
    return new GatewayOptions(
        listener, batchImages, streamImages, aliases, samples, results, traffic, wanted, version);
  }
}
