package dev.nereid.gateway;

import dev.nereid.core.Fault;
import dev.nereid.core.FaultException;
import dev.nereid.core.Lease;
import dev.nereid.core.MemoryPool;
import dev.nereid.http.ContentCoding;
import dev.nereid.http.HttpExchange;
import dev.nereid.http.Multipart;
import dev.nereid.image.ImageHeader;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Finds the pictures in a body: the parts of a form, base64 in JSON, the files of an archive, or
 * the whole body. A part of a form is used where it lies: the length that a BYTES element begins
 * with takes the place of the line ends before it.
 */
final class UploadReader {
  private static final Set<String> PICTURE_FIELDS = Set.of("image", "images", "file", "files");
  private static final int LONGEST_FIELD = 1024;

  private final MemoryPool memory;
  private final int bodyBytes;

  /**
   * A reader of bodies.
   *
   * @param bodyBytes that a body may have at most
   */
  UploadReader(MemoryPool memory, int bodyBytes) {
    this.memory = memory;
    this.bodyBytes = bodyBytes;
  }

  /** Whether reading takes so long that no event loop should do it. */
  static boolean isSlow(HttpExchange exchange) {
    String type = mediaType(exchange);
    return type.equals("application/json") || ArchiveUpload.isArchive(type);
  }

  /**
   * The pictures of a request.
   *
   * @param most pictures
   * @throws FaultException when there is none, or the body is not what its type says
   */
  Upload read(HttpExchange exchange, int most) {
    if (ContentCoding.of(exchange.header("content-encoding")) != ContentCoding.IDENTITY) {
      throw FaultException.of(
          Fault.UNSUPPORTED_MEDIA, "content-encoding (expected: none; pictures are packed)");
    }
    String type = mediaType(exchange);
    Lease body = exchange.takeBody();
    if (body == null) {
      throw FaultException.of(Fault.INVALID_ARGUMENT, "No image provided: the body is empty");
    }
    try (body) {
      Upload upload =
          switch (type) {
            case "multipart/form-data" -> readForm(exchange, body, most);
            case "application/json" ->
                new JsonUpload(memory, most).read(body, exchange.bodyLength());
            default ->
                most > 1 && ArchiveUpload.isArchive(type)
                    ? new ArchiveUpload(memory, most, bodyBytes)
                        .read(type, body, exchange.bodyLength())
                    : readWhole(type, body, exchange.bodyLength());
          };
      if (upload.items().isEmpty()) {
        throw FaultException.of(Fault.INVALID_ARGUMENT, "No images provided");
      }
      return upload;
    }
  }

  private Upload readWhole(String type, Lease body, int length) {
    if (!type.startsWith("image/") && !type.equals("application/octet-stream") && !type.isEmpty()) {
      throw FaultException.of(
          Fault.UNSUPPORTED_MEDIA,
          "content-type: '"
              + type
              + "' (expected: multipart/form-data, application/json, image/* or"
              + " application/octet-stream; for several pictures application/zip or"
              + " application/x-tar, too)");
    }
    try (Lease element = memory.take(Integer.BYTES + length)) {
      element.bytes(Integer.BYTES, length).put(body.bytes(0, length));
      return new Upload(List.of(item(0, "", element, Integer.BYTES, length)), Map.of());
    }
  }

  private static Upload readForm(HttpExchange exchange, Lease body, int most) {
    String type = String.valueOf(exchange.header("content-type"));
    Multipart.Limits limits =
        new Multipart.Limits(most + 16, Multipart.Limits.DEFAULT.headerBytes());
    ByteBuffer bytes = body.bytes(0, exchange.bodyLength());
    List<Item> items = new ArrayList<>();
    Map<String, String> fields = new HashMap<>();
    Upload upload = new Upload(items, fields);
    try {
      for (Multipart.Part part : Multipart.parse(bytes, type, limits)) {
        if (PICTURE_FIELDS.contains(part.name())) {
          requireRoom(items.size(), most);
          String name = part.fileName() == null ? "" : part.fileName();
          items.add(item(items.size(), name, body, part.offset(), part.length()));
        } else if (part.length() <= LONGEST_FIELD) {
          byte[] text = new byte[part.length()];
          bytes.get(part.offset(), text);
          fields.put(part.name(), new String(text, StandardCharsets.UTF_8));
        }
      }
      return upload;
    } catch (RuntimeException e) {
      upload.close();
      throw e;
    }
  }

  /** Refuses one picture more than a request may have. */
  static void requireRoom(int count, int most) {
    if (count == most) {
      throw FaultException.of(
          most == 1 ? Fault.INVALID_ARGUMENT : Fault.TOO_LARGE,
          "images: more than " + most + " (expected: at most " + most + ")");
    }
  }

  /** A picture in a share of its own of a block that has four spare bytes before the file. */
  static Item item(int index, String name, Lease block, int offset, int length) {
    try {
      ImageHeader header = ImageHeader.probe(block.bytes(offset, length));
      int start = offset - Integer.BYTES;
      block.bytes(start, Integer.BYTES).putInt(length);
      return new Item.Picture(index, name, block.share(), start, Integer.BYTES + length, header);
    } catch (FaultException e) {
      return new Item.Unreadable(index, name, e.failure());
    }
  }

  private static String mediaType(HttpExchange exchange) {
    @Nullable String type = exchange.header("content-type");
    if (type == null) {
      return "";
    }
    int semicolon = type.indexOf(';');
    return (semicolon < 0 ? type : type.substring(0, semicolon)).strip().toLowerCase(Locale.ROOT);
  }
}
