package dev.nereid.gateway;

import dev.nereid.core.Fault;
import dev.nereid.core.FaultException;
import dev.nereid.telemetry.Counter;
import io.netty.buffer.ByteBuf;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.FileAttribute;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.ThreadLocalRandom;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import tools.jackson.core.JsonGenerator;
import tools.jackson.core.ObjectWriteContext;

/**
 * A folder of samples: {@code NAME-0.jpg}, {@code NAME-1.png}, ..., and {@code NAME.json}, which is
 * there last, and so only when all is. Names begin with the time, so that the oldest come first.
 * Used by one thread after {@link #open}.
 */
final class SampleFolder {
  private static final DateTimeFormatter TIME =
      DateTimeFormatter.ofPattern("yyyyMMdd'T'HHmmss.SSS'Z'").withZone(ZoneOffset.UTC);
  private static final Pattern OURS =
      Pattern.compile(
          "(\\d{8}T\\d{6}\\.\\d{3}Z-[0-9a-f]{8})(-\\d+\\.[a-z]+|\\.json|\\.json\\.part)");
  private static final FileAttribute<?>[] NONE = {};

  /** The BYTES element of a picture begins with its length. */
  private static final int LENGTH_BYTES = 4;

  private final Path directory;
  private final long maxBytes;
  private final Counter removed;
  private final TreeMap<String, Kept> samples = new TreeMap<>();
  private long bytes;

  /**
   * What is told of a request besides its pictures and answer.
   *
   * @param id the caller's; may be empty
   * @param trace that it belongs to; empty for none
   */
  record About(Instant time, String path, String id, String trace) {}

  /** A sample that lies there. */
  private record Kept(List<Path> files, long bytes) {}

  private SampleFolder(Path directory, long maxBytes, Counter removed) {
    this.directory = directory;
    this.maxBytes = maxBytes;
    this.removed = removed;
  }

  /**
   * A folder that is made if it is not there. Files of other names are left alone.
   *
   * @throws FaultException when it cannot be made or read
   */
  static SampleFolder open(Path directory, long maxBytes, Counter removed) {
    SampleFolder folder = new SampleFolder(directory, maxBytes, removed);
    try {
      Files.createDirectories(directory, owner("rwx------"));
      if (!Files.isWritable(directory)) {
        throw new IOException("permission denied");
      }
      try (Stream<Path> files = Files.list(directory)) {
        for (Path file : files.toList()) {
          Matcher name = OURS.matcher(file.getFileName().toString());
          if (name.matches()) {
            folder.keep(name.group(1), List.of(file), Files.size(file));
          }
        }
      }
      folder.makeRoom(0);
    } catch (IOException e) {
      throw new FaultException(
          Fault.INVALID_ARGUMENT.with(
              "--sample-payloads: " + directory + ": cannot be written: " + e.getMessage()),
          e);
    }
    return folder;
  }

  private static FileAttribute<?>[] owner(String permissions) {
    boolean posix = FileSystems.getDefault().supportedFileAttributeViews().contains("posix");
    return posix
        ? new FileAttribute<?>[] {
          PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString(permissions))
        }
        : NONE;
  }

  private void keep(String name, List<Path> files, long more) {
    samples.merge(
        name,
        new Kept(files, more),
        (a, b) ->
            new Kept(
                Stream.concat(a.files.stream(), b.files.stream()).toList(), a.bytes + b.bytes));
    bytes += more;
  }

  /** Writes a sample; the oldest make room for it. */
  void write(About about, List<Item.Picture> pictures, int status, ByteBuf answer)
      throws IOException {
    long size = answer.readableBytes();
    for (Item.Picture picture : pictures) {
      size += picture.length();
    }
    if (size > maxBytes) {
      throw new IOException(size + " bytes (expected: at most " + maxBytes + " in all)");
    }
    makeRoom(size);
    String name =
        TIME.format(about.time()) + "-%08x".formatted(ThreadLocalRandom.current().nextInt());
    List<Path> files = new ArrayList<>();
    try {
      for (Item.Picture picture : pictures) {
        Path file = directory.resolve(name + fileEnd(picture));
        files.add(file);
        writePicture(file, picture);
      }
      Path part = directory.resolve(name + ".json.part");
      files.add(part);
      writeAnswer(part, name, new Told(about, pictures, status, answer));
      Path json = directory.resolve(name + ".json");
      Files.move(part, json, StandardCopyOption.ATOMIC_MOVE);
      files.set(files.size() - 1, json);
    } catch (IOException | RuntimeException e) {
      for (Path file : files) {
        Files.deleteIfExists(file);
      }
      throw e;
    }
    long real = 0;
    for (Path file : files) {
      real += Files.size(file);
    }
    keep(name, files, real);
    makeRoom(0);
  }

  private static String fileEnd(Item.Picture picture) {
    String end =
        switch (picture.header().format()) {
          case JPEG -> "jpg";
          case PNG, WEBP, BMP, TIFF, GIF ->
              picture.header().format().name().toLowerCase(Locale.ROOT);
        };
    return "-" + picture.index() + "." + end;
  }

  private static FileChannel create(Path file) throws IOException {
    return FileChannel.open(
        file, Set.of(StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE), owner("rw-------"));
  }

  private static void writePicture(Path file, Item.Picture picture) throws IOException {
    ByteBuffer encoded =
        picture.lease().bytes(picture.offset() + LENGTH_BYTES, picture.length() - LENGTH_BYTES);
    try (FileChannel channel = create(file)) {
      while (encoded.hasRemaining()) {
        channel.write(encoded);
      }
    }
  }

  /** What goes into a sample's JSON. */
  private record Told(About about, List<Item.Picture> pictures, int status, ByteBuf answer) {}

  private static void writeAnswer(Path file, String name, Told told) throws IOException {
    try (FileChannel channel = create(file);
        OutputStream out = Channels.newOutputStream(channel);
        JsonGenerator json = JsonReply.FACTORY.createGenerator(ObjectWriteContext.empty(), out)) {
      json.writeStartObject();
      json.writeStringProperty("time", told.about.time().toString());
      json.writeStringProperty("path", told.about.path());
      if (!told.about.id().isEmpty()) {
        json.writeStringProperty("id", told.about.id());
      }
      if (!told.about.trace().isEmpty()) {
        json.writeStringProperty("trace_id", told.about.trace());
      }
      json.writeArrayPropertyStart("pictures");
      told.pictures.forEach(picture -> json.writeString(name + fileEnd(picture)));
      json.writeEndArray();
      json.writeNumberProperty("status", told.status);
      json.writeName("answer");
      json.writeRawValue(told.answer.toString(StandardCharsets.UTF_8).strip());
      json.writeEndObject();
    }
  }

  /** Removes the oldest until so many bytes more may come. */
  private void makeRoom(long more) throws IOException {
    while (bytes + more > maxBytes && !samples.isEmpty()) {
      Kept oldest = samples.firstEntry().getValue();
      for (Path file : oldest.files.reversed()) { // the JSON first: what has none is not whole
        Files.deleteIfExists(file);
      }
      samples.pollFirstEntry();
      bytes -= oldest.bytes;
      removed.increment();
    }
  }

  @Override
  public String toString() {
    return directory.toString();
  }
}
