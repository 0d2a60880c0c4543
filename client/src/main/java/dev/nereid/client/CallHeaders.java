package dev.nereid.client;

import dev.nereid.core.Fault;
import dev.nereid.core.FaultException;
import dev.nereid.core.FollowedFiles;
import io.grpc.CallCredentials;
import io.grpc.Metadata;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.concurrent.Executor;
import java.util.regex.Pattern;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The headers of {@link UpstreamCredentials} on every call of a channel, as they are now. What is
 * wrong with them is told without them. {@link #look} is called by one thread.
 */
final class CallHeaders extends CallCredentials {
  private static final Logger LOG = LoggerFactory.getLogger(CallHeaders.class);
  private static final int LARGEST = 64 << 10;
  private static final Pattern NAME = Pattern.compile("[a-z0-9._-]{1,128}");
  private static final Pattern VALUE = Pattern.compile("[ -~]{1,32768}");

  /** What calls say of themselves. */
  private static final Set<String> RESERVED = Set.of("content-type", "te", "user-agent");

  private volatile Metadata headers;
  private final Runnable look;

  private CallHeaders(UpstreamCredentials source) throws GeneralSecurityException {
    headers = new Metadata();
    look =
        switch (source) {
          case UpstreamCredentials.OfText(String text) -> {
            headers = parse(text);
            yield () -> {};
          }
          case UpstreamCredentials.OfFile(Path file) -> following(file);
        };
  }

  private Runnable following(Path file) throws GeneralSecurityException {
    FollowedFiles files =
        new FollowedFiles(
            List.of(file),
            LARGEST,
            contents -> {
              try {
                headers = parse(new String(contents.getFirst(), StandardCharsets.UTF_8));
              } catch (IllegalArgumentException e) {
                throw new GeneralSecurityException(file + ": " + e.getMessage(), e);
              }
            });
    return () -> {
      var _ =
          files.look(
              () -> LOG.info("upstream credentials: what {} holds now is in force", file),
              complaint ->
                  LOG.warn("upstream credentials: those of before stay in force: {}", complaint));
    };
  }

  /**
   * Reads what the source holds.
   *
   * @throws FaultException INVALID_ARGUMENT when its file is missing or holds no headers
   */
  static CallHeaders open(UpstreamCredentials source) {
    try {
      return new CallHeaders(source);
    } catch (IllegalArgumentException | GeneralSecurityException e) {
      throw new FaultException(
          Fault.INVALID_ARGUMENT.with("upstream credentials: " + e.getMessage()), e);
    }
  }

  /** Reads the source again if it may have changed. */
  void look() {
    look.run();
  }

  /**
   * The headers that a text stands for.
   *
   * @throws IllegalArgumentException when it holds none, or one that cannot be sent; the message
   *     tells the line and nothing of what stands there
   */
  static Metadata parse(String text) {
    List<String> lines = text.lines().toList();
    List<String> filled = lines.stream().filter(line -> !line.isBlank()).toList();
    Metadata parsed = new Metadata();
    if (filled.size() == 1 && filled.getFirst().indexOf(':') < 0) {
      add(parsed, "authorization", "Bearer " + filled.getFirst().strip(), "a token");
      return parsed;
    }
    for (int i = 0; i < lines.size(); i++) {
      String line = lines.get(i);
      int colon = line.indexOf(':');
      if (colon < 0 && !line.isBlank()) {
        throw new IllegalArgumentException(
            "line " + (i + 1) + ": no header (expected: NAME: VALUE)");
      }
      if (colon >= 0) {
        String name = line.substring(0, colon).strip().toLowerCase(Locale.ROOT);
        add(parsed, name, line.substring(colon + 1).strip(), "line " + (i + 1));
      }
    }
    if (parsed.keys().isEmpty()) {
      throw new IllegalArgumentException("empty (expected: NAME: VALUE, or a token)");
    }
    return parsed;
  }

  private static void add(Metadata headers, String name, String value, String where) {
    if (!NAME.matcher(name).matches()
        || name.startsWith("grpc-")
        || name.endsWith("-bin")
        || RESERVED.contains(name)) {
      throw new IllegalArgumentException(where + ": a header that cannot be set");
    }
    if (!VALUE.matcher(value).matches()) {
      throw new IllegalArgumentException(where + ": a value (expected: printable ASCII)");
    }
    headers.put(Metadata.Key.of(name, Metadata.ASCII_STRING_MARSHALLER), value);
  }

  @Override
  public void applyRequestMetadata(RequestInfo call, Executor executor, MetadataApplier applier) {
    applier.apply(headers);
  }
}
