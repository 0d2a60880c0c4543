package dev.nereid.gateway;

import dev.nereid.core.Fault;
import dev.nereid.core.FaultException;
import dev.nereid.core.Lease;
import dev.nereid.core.MemoryPool;
import io.netty.buffer.ByteBufInputStream;
import io.netty.buffer.Unpooled;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.zip.ZipEntry;
import java.util.zip.ZipInputStream;

/**
 * Reads the pictures of a ZIP or tar archive, in the archive's order. Directories, hidden files and
 * what a Mac adds are passed over. Nothing is ever written to a file; an archive whose names try to
 * leave its folder is refused all the same, as are links, since neither comes from a picture
 * folder.
 *
 * <p><b>Limits.</b> Pictures as in any request; entries of any kind {@link #SPARE_ENTRIES} more;
 * bytes unpacked {@link #unpackedBytes} and {@link #RATIO} times those packed. What is passed over
 * counts as well, since unpacking it is the work.
 */
final class ArchiveUpload {
  /** Entries that are no picture, such as directories. */
  static final int SPARE_ENTRIES = 1024;

  /** Unpacked to packed bytes, once it is more than {@link #UNSUSPICIOUS}. */
  static final int RATIO = 50;

  static final int UNSUSPICIOUS = 1 << 20;
  private static final int STEP = 64 << 10;

  private final MemoryPool memory;
  private final int most;
  private final long unpackedBytes;
  private final byte[] part = new byte[STEP];
  private final List<Item> items = new ArrayList<>();
  private long packed;
  private long unpacked;
  private int entries;

  /**
   * A reader for one archive.
   *
   * @param most pictures
   * @param bodyBytes that a body may have at most
   */
  ArchiveUpload(MemoryPool memory, int most, int bodyBytes) {
    this.memory = memory;
    this.most = most;
    this.unpackedBytes = unpackedBytes(bodyBytes);
  }

  /** What all files of an archive may have together, unpacked, where a body may have so much. */
  static long unpackedBytes(int bodyBytes) {
    return 2L * bodyBytes;
  }

  /** Whether a media type is that of an archive. */
  static boolean isArchive(String mediaType) {
    return isZip(mediaType) || isTar(mediaType);
  }

  private static boolean isZip(String type) {
    return type.equals("application/zip") || type.equals("application/x-zip-compressed");
  }

  private static boolean isTar(String type) {
    return type.equals("application/x-tar") || type.equals("application/tar");
  }

  /**
   * The pictures of an archive.
   *
   * @throws FaultException when it is damaged, over a limit, or means harm
   */
  Upload read(String mediaType, Lease body, int length) {
    Upload upload = new Upload(items, Map.of());
    ByteBuffer bytes = body.bytes(0, length);
    packed = length;
    try {
      if (isZip(mediaType)) {
        readZip(new ByteBufInputStream(Unpooled.wrappedBuffer(bytes)));
      } else {
        readTar(new TarReader(bytes));
      }
      return upload;
    } catch (IOException e) {
      upload.close();
      throw FaultException.of(Fault.UNPROCESSABLE, "archive: " + e.getMessage());
    } catch (RuntimeException e) {
      upload.close();
      throw e;
    }
  }

  private void readZip(InputStream file) throws IOException {
    try (ZipInputStream zip = new ZipInputStream(file, StandardCharsets.UTF_8)) {
      for (ZipEntry entry = zip.getNextEntry(); entry != null; entry = zip.getNextEntry()) {
        count(entry.getName());
        if (entry.isDirectory() || ArchivePath.isHidden(entry.getName())) {
          skip(zip);
        } else {
          UploadReader.requireRoom(items.size(), most);
          unpack(entry, zip);
        }
      }
    } catch (IllegalArgumentException e) {
      throw new IOException("a file's name is not UTF-8", e);
    }
    if (entries == 0) {
      throw new IOException("no entry (expected: a ZIP file)");
    }
  }

  private void readTar(TarReader tar) throws IOException {
    for (TarReader.Entry entry = tar.next(); entry != null; entry = tar.next()) {
      count(entry.name());
      spend(entry.content().remaining());
      if (!entry.isDirectory() && !ArchivePath.isHidden(entry.name())) {
        UploadReader.requireRoom(items.size(), most);
        int length = entry.content().remaining();
        try (Lease element = memory.take(Integer.BYTES + length)) {
          element.bytes(Integer.BYTES, length).put(entry.content());
          add(entry.name(), element, length);
        }
      }
    }
  }

  private void count(String name) {
    ArchivePath.require(name);
    if (++entries > most + SPARE_ENTRIES) {
      throw FaultException.of(
          Fault.TOO_LARGE,
          "archive: too many entries (expected: at most " + (most + SPARE_ENTRIES) + ")");
    }
  }

  private void skip(InputStream entry) throws IOException {
    for (int n = entry.read(part); n >= 0; n = entry.read(part)) {
      spend(n);
    }
  }

  /** Unpacks into a block that doubles when it is full, whatever size the entry says it has. */
  private void unpack(ZipEntry entry, InputStream content) throws IOException {
    Lease element = memory.take(Integer.BYTES + STEP);
    try {
      int length = 0;
      for (int n = content.read(part); n >= 0; n = content.read(part)) {
        spend(n);
        if (Integer.BYTES + length + n > element.size()) {
          element = doubled(element);
        }
        element.bytes(Integer.BYTES + length, n).put(part, 0, n);
        length += n;
      }
      add(entry.getName(), element, length);
    } finally {
      element.close();
    }
  }

  private Lease doubled(Lease full) {
    Lease wider = memory.take(Math.multiplyExact(full.size(), 2));
    wider.bytes(0, full.size()).put(full.bytes());
    full.close();
    return wider;
  }

  private void add(String name, Lease element, int length) {
    items.add(UploadReader.item(items.size(), name, element, Integer.BYTES, length));
  }

  private void spend(int bytes) {
    unpacked += bytes;
    if (unpacked > unpackedBytes) {
      throw FaultException.of(
          Fault.TOO_LARGE,
          "archive: too large unpacked (expected: at most " + unpackedBytes + " bytes)");
    }
    if (unpacked > UNSUSPICIOUS && unpacked > RATIO * packed) {
      throw FaultException.of(
          Fault.TOO_LARGE,
          "archive: packed too well (expected: at most " + RATIO + " times its own bytes)");
    }
  }
}
