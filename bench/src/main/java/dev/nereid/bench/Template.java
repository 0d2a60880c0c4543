package dev.nereid.bench;

import dev.nereid.client.EncodedCall;
import dev.nereid.client.HttpCaller;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Base64;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;

/**
 * An HTTP request with gaps: a line {@code VERB PATH}, headers, an empty line, the body. The gaps
 * are {@code {{image}}} (the bytes of a picture), {@code {{image_base64}}}, {@code {{index}}} (of
 * the distinct request), {@code {{random}}} (from 0 to 1) and {@code {{int}}} (below a million).
 *
 * <p>Texts here hold a byte in each character, so that bodies of any content pass unharmed.
 */
record Template(String verb, String path, Map<String, String> headers, String body) {

  static Template read(Path file) {
    try {
      return parse(Files.readString(file, StandardCharsets.ISO_8859_1));
    } catch (IOException e) {
      throw new UncheckedIOException("template: " + file, e);
    }
  }

  static Template parse(String text) {
    String unix = text.replace("\r\n", "\n");
    int end = unix.indexOf("\n\n");
    List<String> head = (end < 0 ? unix : unix.substring(0, end)).lines().toList();
    String[] first = head.isEmpty() ? new String[0] : head.getFirst().split(" ", -1);
    if (first.length < 2 || !first[1].startsWith("/")) {
      throw new IllegalArgumentException(
          "template: '" + (head.isEmpty() ? "" : head.getFirst()) + "' (expected: VERB /PATH)");
    }
    Map<String, String> headers = new LinkedHashMap<>();
    for (String line : head.subList(1, head.size())) {
      int colon = line.indexOf(':');
      if (colon < 1) {
        throw new IllegalArgumentException("template: '" + line + "' (expected: Name: value)");
      }
      headers.put(line.substring(0, colon).strip(), line.substring(colon + 1).strip());
    }
    // An editor's newline at the end of the file is no part of the body.
    String body = end < 0 ? "" : unix.substring(end + 2).replaceFirst("\n$", "");
    return new Template(first[0], first[1], headers, body);
  }

  /** Whether it wants pictures. */
  boolean wantsImages() {
    return body.contains("{{image");
  }

  /** So many requests, or one for each picture. */
  List<EncodedCall> fill(HttpCaller client, int count, List<byte[]> images, long seed) {
    if (wantsImages() && images.isEmpty()) {
      throw new IllegalArgumentException(
          "--images: none (expected: pictures for the template's {{image}})");
    }
    SplittableRandom random = new SplittableRandom(seed);
    List<EncodedCall> calls = new ArrayList<>();
    int distinct = wantsImages() ? images.size() : count;
    for (int i = 0; i < distinct; i++) {
      byte[] image = wantsImages() ? images.get(i) : new byte[0];
      Map<String, String> filled = new LinkedHashMap<>();
      for (var header : headers.entrySet()) {
        filled.put(header.getKey(), fill(header.getValue(), i, image, random));
      }
      calls.add(
          client.encode(
              verb,
              fill(path, i, image, random),
              filled,
              fill(body, i, image, random).getBytes(StandardCharsets.ISO_8859_1)));
    }
    return calls;
  }

  private static String fill(String text, int index, byte[] image, SplittableRandom random) {
    if (!text.contains("{{")) {
      return text;
    }
    return text.replace("{{index}}", Integer.toString(index))
        .replace("{{random}}", Double.toString(random.nextDouble()))
        .replace("{{int}}", Integer.toString(random.nextInt(1_000_000)))
        .replace("{{image_base64}}", Base64.getEncoder().encodeToString(image))
        .replace("{{image}}", new String(image, StandardCharsets.ISO_8859_1));
  }
}
