package dev.nereid.core;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.AccessDeniedException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;

/**
 * Files that belong together and are followed for change: what they hold counts once it was the
 * same for two looks and whoever takes it can use it. Until then what was before stays in force.
 *
 * <p>They are read rather than waited for: that works on every file system, and through the links
 * that orchestrators swap. Of their content nothing but digests is kept. Confined to one thread at
 * a time.
 */
public final class FollowedFiles {
  private final List<Path> files;
  private final int largest;
  private final Taker taker;
  private byte[] inForce;
  private byte[] lastSeen;
  private String complaint = "";
  private boolean news;

  /** Uses what the files hold. */
  @FunctionalInterface
  public interface Taker {
    /**
     * Puts it in force.
     *
     * @param contents of each file, in their order
     * @throws GeneralSecurityException when it cannot be used, and nothing has changed; an
     *     IllegalArgumentException says the same
     */
    void take(List<byte[]> contents) throws GeneralSecurityException;
  }

  /** What a look at the files led to. */
  public enum Look {
    /** They hold what is in force. */
    SAME,
    /** They have changed since the last look: the next one decides. */
    CHANGING,
    /** What they hold now is in force. */
    TAKEN,
    /** What they hold is wrong; that of before stays in force. */
    REFUSED
  }

  /**
   * Reads the files, and hands on what they hold.
   *
   * @param largest bytes of a file
   * @throws IllegalArgumentException when a file cannot be read
   * @throws GeneralSecurityException or IllegalArgumentException as the taker does
   */
  public FollowedFiles(List<Path> files, int largest, Taker taker) throws GeneralSecurityException {
    this.files = List.copyOf(files);
    this.largest = largest;
    this.taker = taker;
    List<byte[]> contents = read();
    inForce = digest(contents);
    lastSeen = inForce;
    taker.take(contents);
  }

  /** Reads the files again, and hands on what they hold if it may count. May block. */
  public Look look() {
    List<byte[]> contents;
    try {
      contents = read();
    } catch (IllegalArgumentException e) {
      lastSeen = new byte[0];
      return refuse(e);
    }
    byte[] seen = digest(contents);
    boolean settled = MessageDigest.isEqual(seen, lastSeen);
    lastSeen = seen;
    if (MessageDigest.isEqual(seen, inForce)) {
      complaint = "";
      return Look.SAME;
    }
    if (!settled) {
      return Look.CHANGING;
    }
    try {
      taker.take(contents);
    } catch (GeneralSecurityException | IllegalArgumentException e) {
      return refuse(e);
    }
    inForce = seen;
    complaint = "";
    return Look.TAKEN;
  }

  /**
   * The same, and tells of what came of it.
   *
   * @param taken when what they hold now is in force
   * @param refused with each new complaint
   */
  public Look look(Runnable taken, Consumer<String> refused) {
    Look look = look();
    if (look == Look.TAKEN) {
      taken.run();
    } else if (look == Look.REFUSED && news) {
      refused.accept(complaint);
    }
    return look;
  }

  private Look refuse(Exception why) {
    String told = String.valueOf(why.getMessage());
    news = !told.equals(complaint);
    complaint = told;
    return Look.REFUSED;
  }

  /** What is wrong with what the files hold; empty when nothing is. */
  public String complaint() {
    return complaint;
  }

  /** Whether the last look that refused did so for another reason than the one before it. */
  public boolean isNews() {
    return news;
  }

  private List<byte[]> read() {
    List<byte[]> contents = new ArrayList<>(files.size());
    for (Path file : files) {
      contents.add(read(file));
    }
    return contents;
  }

  private byte[] read(Path file) {
    try {
      if (Files.size(file) > largest) {
        throw new IllegalArgumentException(file + ": larger than " + largest + " bytes");
      }
      return Files.readAllBytes(file);
    } catch (NoSuchFileException e) {
      throw new IllegalArgumentException(file + ": no such file", e);
    } catch (AccessDeniedException e) {
      throw new IllegalArgumentException(file + ": permission denied", e);
    } catch (IOException e) {
      throw new IllegalArgumentException(file + ": cannot be read: " + e.getMessage(), e);
    }
  }

  private static byte[] digest(List<byte[]> contents) {
    try {
      MessageDigest digest = MessageDigest.getInstance("SHA-256");
      for (byte[] content : contents) {
        digest.update(ByteBuffer.allocate(Integer.BYTES).putInt(content.length).flip());
        digest.update(content);
      }
      return digest.digest();
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException(e); // every JDK has it
    }
  }
}
