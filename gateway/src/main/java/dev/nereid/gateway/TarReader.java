package dev.nereid.gateway;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import org.jspecify.annotations.Nullable;

/** Finds the files of a tar archive, as POSIX and GNU write it; their bytes are not copied. */
final class TarReader {
  private static final int BLOCK = 512;
  private static final int LONGEST_NAME = 4096;

  private final ByteBuffer tar;
  private @Nullable String longName;
  private boolean any;

  /**
   * A file or directory.
   *
   * @param content a view of the archive
   */
  record Entry(String name, boolean isDirectory, ByteBuffer content) {}

  TarReader(ByteBuffer tar) {
    this.tar = tar;
  }

  /**
   * The next file or directory; null after the last.
   *
   * @throws IOException when the archive is damaged, or has something that is neither
   */
  @Nullable Entry next() throws IOException {
    while (tar.remaining() >= BLOCK && tar.get(tar.position()) != 0) {
      ByteBuffer head = take(BLOCK);
      requireChecksum(head);
      long size = octal(head, 124, 12);
      if (size > tar.remaining()) {
        throw new IOException("ends within a file");
      }
      ByteBuffer content = take((int) size);
      take((int) Math.min(tar.remaining(), (BLOCK - size % BLOCK) % BLOCK));
      any = true;
      Entry entry = entry(head, content);
      if (entry != null) {
        return entry;
      }
    }
    if (!any) {
      throw new IOException("no file (expected: a tar file)");
    }
    return null;
  }

  /** What a head and what follows it stand for; null where it tells of the next one only. */
  private @Nullable Entry entry(ByteBuffer head, ByteBuffer content) throws IOException {
    char kind = (char) head.get(156);
    switch (kind) {
      case 'L' -> longName = text(content, 0, shortEnough(content));
      case 'x' -> longName = paxPath(text(content, 0, shortEnough(content)), longName);
      case 'g', 'K' -> {} // what holds for all files; where a long link leads
      case '0', '5', 0 -> {
        String name = longName == null ? name(head) : longName;
        longName = null;
        return new Entry(name, kind == '5' || name.endsWith("/"), content);
      }
      default ->
          throw new IOException("an entry of type '" + kind + "' (expected: files and folders)");
    }
    return null;
  }

  private ByteBuffer take(int bytes) {
    ByteBuffer view = tar.slice(tar.position(), bytes);
    tar.position(tar.position() + bytes);
    return view;
  }

  private static int shortEnough(ByteBuffer name) throws IOException {
    if (name.remaining() > LONGEST_NAME) {
      throw new IOException("a file's name of " + name.remaining() + " bytes");
    }
    return name.remaining();
  }

  /** The path among records of the form {@code 20 path=a/b.jpg}; the known one if there is none. */
  private static @Nullable String paxPath(String records, @Nullable String known) {
    for (String line : records.split("\n", -1)) {
      int blank = line.indexOf(' ');
      if (blank > 0 && line.startsWith("path=", blank + 1)) {
        return line.substring(blank + 6);
      }
    }
    return known;
  }

  private static void requireChecksum(ByteBuffer head) throws IOException {
    long sum = 0;
    for (int i = 0; i < BLOCK; i++) {
      sum += i >= 148 && i < 156 ? ' ' : head.get(i) & 0xff;
    }
    if (sum != octal(head, 148, 8)) {
      throw new IOException("a file's head is damaged (expected: a tar file)");
    }
  }

  private static long octal(ByteBuffer head, int at, int length) throws IOException {
    String digits = text(head, at, length).strip();
    for (int i = 0; i < digits.length(); i++) {
      if (digits.charAt(i) < '0' || digits.charAt(i) > '7') {
        throw new IOException("a number in a file's head (expected: octal)");
      }
    }
    return digits.isEmpty() ? 0 : Long.parseLong(digits, 8);
  }

  private static String name(ByteBuffer head) {
    String name = text(head, 0, 100);
    boolean ustar = text(head, 257, 6).equals("ustar");
    String prefix = ustar ? text(head, 345, 155) : "";
    return prefix.isEmpty() ? name : prefix + "/" + name;
  }

  private static String text(ByteBuffer bytes, int at, int length) {
    byte[] text = new byte[length];
    bytes.get(at, text);
    int end = 0;
    while (end < length && text[end] != 0) {
      end++;
    }
    return new String(text, 0, end, StandardCharsets.UTF_8);
  }
}
