package dev.nereid.client;

import java.nio.file.Path;

/**
 * What is shown to a server with every call, questions after its health too: headers, a {@code
 * NAME: VALUE} on each line, or a token alone, which stands for {@code authorization: Bearer
 * TOKEN}. Blank lines are left out.
 */
public sealed interface UpstreamCredentials {

  /** Headers in a file, which is read again when it changes. */
  record OfFile(Path file) implements UpstreamCredentials {}

  /**
   * Headers that never change, for instance from the environment.
   *
   * @param text which {@link #toString} does not tell
   */
  record OfText(String text) implements UpstreamCredentials {
    public OfText {
      var _ = CallHeaders.parse(text);
    }

    @Override
    public String toString() {
      return "OfText[...]";
    }
  }
}
