package dev.nereid.gateway;

import dev.nereid.core.Failure;
import dev.nereid.core.Lease;
import dev.nereid.image.ImageHeader;

/** One picture of a request, or why it is none. */
sealed interface Item {
  /** Its place in the request, from 0. */
  int index();

  /** The name the client gave; may be empty. */
  String fileName();

  /**
   * An encoded picture whose header could be read. Owns its lease until {@link #lease} is handed to
   * an inference.
   *
   * @param offset of the BYTES element: four bytes of length, then the file
   * @param length of the element
   */
  record Picture(
      int index, String fileName, Lease lease, int offset, int length, ImageHeader header)
      implements Item {
    /** The same picture in a share of its own. */
    Picture share() {
      return new Picture(index, fileName, lease.share(), offset, length, header);
    }
  }

  /** Bytes that are no picture. */
  record Unreadable(int index, String fileName, Failure failure) implements Item {}
}
