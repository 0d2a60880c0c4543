package dev.nereid.protocol;

import java.util.List;

/**
 * Which outputs a caller over HTTP wants as blobs behind the JSON, and which as JSON numbers.
 *
 * @param binaryByDefault for a request that lists no outputs
 * @param listed whether the request lists outputs; then each is as the list says
 * @param blobs the listed outputs that are wanted as blobs
 */
public record ResponseForm(boolean binaryByDefault, boolean listed, List<String> blobs) {
  /** Everything as JSON. */
  public static final ResponseForm JSON = new ResponseForm(false, false, List.of());

  /** Everything as blobs. */
  public static final ResponseForm BINARY = new ResponseForm(true, false, List.of());

  public ResponseForm {
    blobs = List.copyOf(blobs);
  }

  /** Whether that output is wanted as a blob. */
  public boolean isBinary(String output) {
    return listed ? blobs.contains(output) : binaryByDefault;
  }
}
