package dev.nereid.gateway;

import dev.nereid.http.Compression;
import dev.nereid.http.ContentCoding;
import dev.nereid.http.HttpExchange;
import dev.nereid.http.ResponseHeaders;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufUtil;
import io.netty.buffer.Unpooled;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.TreeMap;
import java.util.stream.Stream;
import java.util.zip.CRC32;
import org.jspecify.annotations.Nullable;

/** The console's page and its parts, and sample pictures, held in memory. Thread-safe. */
final class StaticFiles {
  private static final List<String> PAGE =
      List.of(
          "index.html",
          "app.css",
          "app.js",
          "charts.js",
          "dom.js",
          "draw.js",
          "gateway.js",
          "icon.svg",
          "live.js",
          "metrics.js",
          "models.js",
          "nearest.js",
          "openapi.json",
          "photos.js",
          "playground.js",
          "plan.js",
          "prepare.js",
          "results.js",
          "traffic.js");

  /** The page draws its charts with this library, which comes as a jar. */
  private static final String CHARTS = "chart.js";

  private static final String CHARTS_ABOUT =
      "/META-INF/maven/org.webjars.npm/chart.js/pom.properties";
  private static final Map<String, String> TYPES =
      Map.of(
          "html", "text/html; charset=utf-8",
          "js", "text/javascript; charset=utf-8",
          "css", "text/css; charset=utf-8",
          "svg", "image/svg+xml",
          "json", "application/json",
          "jpg", "image/jpeg",
          "jpeg", "image/jpeg",
          "png", "image/png",
          "webp", "image/webp");
  private static final ResponseHeaders SAFE =
      ResponseHeaders.of(
              "content-security-policy",
              "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self';"
                  + " img-src 'self' blob: data:; base-uri 'none'; form-action 'none';"
                  + " frame-ancestors 'none'")
          .with("x-content-type-options", "nosniff")
          .with("referrer-policy", "no-referrer")
          .with("cache-control", "no-cache");
  private static final int LARGEST_SAMPLE = 4 << 20;

  private final Map<String, StaticFile> files = new HashMap<>();
  private final Map<String, StaticFile> samples = new TreeMap<>();

  /** Reads everything; a folder of samples that is not there is as good as an empty one. */
  static StaticFiles load(GatewayOptions options) {
    StaticFiles loaded = new StaticFiles();
    for (String name : PAGE) {
      byte[] bytes = resource("page/" + name);
      if (name.equals("openapi.json")) {
        String text = new String(bytes, StandardCharsets.UTF_8);
        bytes = text.replace("@VERSION@", options.version()).getBytes(StandardCharsets.UTF_8);
      }
      loaded.files.put(name, new StaticFile(typeOf(name), bytes));
    }
    loaded.files.put(CHARTS, new StaticFile(typeOf(CHARTS), charts()));
    Path folder = options.samples();
    if (folder != null && Files.isDirectory(folder)) {
      loaded.loadSamples(folder);
    }
    return loaded;
  }

  /**
   * Makes smaller forms of the page's parts for browsers that take them; until then they do
   * without.
   */
  void pack() {
    files.values().forEach(StaticFile::pack);
  }

  /** Answers with a part of the page. */
  void page(HttpExchange exchange, String name) {
    respond(exchange, files.get(name));
  }

  /** Answers with a sample picture. */
  void sample(HttpExchange exchange, String name) {
    respond(exchange, samples.get(name));
  }

  /** Answers with the names of the samples. */
  void sampleNames(HttpExchange exchange) {
    exchange.respond(
        200,
        GatewayErrors.headers(200),
        JsonReply.object(
            json -> {
              json.writeArrayPropertyStart("samples");
              samples.keySet().forEach(json::writeString);
              json.writeEndArray();
            }));
  }

  private static void respond(HttpExchange exchange, @Nullable StaticFile file) {
    if (file == null) {
      GatewayRoutes.notFound(exchange);
    } else {
      file.respond(exchange);
    }
  }

  private void loadSamples(Path folder) {
    try (Stream<Path> paths = Files.list(folder)) {
      for (Path path : paths.toList()) {
        String name = path.getFileName().toString();
        String type = typeOf(name);
        if (type.startsWith("image/") && Files.size(path) <= LARGEST_SAMPLE) {
          samples.put(name, new StaticFile(type, Files.readAllBytes(path)));
        }
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static String typeOf(String name) {
    return TYPES.getOrDefault(name.substring(name.lastIndexOf('.') + 1), "");
  }

  private static byte[] charts() {
    Properties about = new Properties();
    try {
      about.load(new ByteArrayInputStream(resource(CHARTS_ABOUT)));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    String version = about.getProperty("version");
    return resource("/META-INF/resources/webjars/chart.js/" + version + "/dist/chart.umd.min.js");
  }

  private static byte[] resource(String name) {
    try (InputStream in = StaticFiles.class.getResourceAsStream(name)) {
      if (in == null) {
        throw new IllegalStateException("resource " + name + ": missing");
      }
      return in.readAllBytes();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** A file, and, once that is done and worth it, its packed form. */
  private static final class StaticFile {
    private final String tag;
    private final ResponseHeaders headers;
    private final byte[] plain;
    private volatile byte[] packed;

    StaticFile(String type, byte[] bytes) {
      CRC32 checksum = new CRC32();
      checksum.update(bytes);
      tag = "\"" + Long.toHexString(checksum.getValue()) + "\"";
      headers = SAFE.with("content-type", type).with("etag", tag);
      plain = bytes;
      packed = bytes;
    }

    void pack() {
      packed = packed(plain);
    }

    void respond(HttpExchange exchange) {
      if (tag.equals(exchange.header("if-none-match"))) {
        exchange.respond(304, headers, Unpooled.EMPTY_BUFFER);
        return;
      }
      byte[] small = packed;
      boolean pack =
          small.length < plain.length
              && ContentCoding.preferred(exchange.header("accept-encoding")) == ContentCoding.GZIP;
      ResponseHeaders sent =
          pack ? headers.with("content-encoding", "gzip").with("vary", "accept-encoding") : headers;
      exchange.respond(200, sent, Unpooled.wrappedBuffer(pack ? small : plain));
    }

    private static byte[] packed(byte[] bytes) {
      ByteBuf packed = Compression.pack(ContentCoding.GZIP, 9, Unpooled.wrappedBuffer(bytes));
      try {
        return ByteBufUtil.getBytes(packed);
      } finally {
        packed.release();
      }
    }
  }
}
