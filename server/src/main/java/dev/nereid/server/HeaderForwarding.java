package dev.nereid.server;

import dev.nereid.core.Fault;
import dev.nereid.core.FaultException;
import dev.nereid.core.InferRequest;
import dev.nereid.protocol.InferMessage;
import io.grpc.Metadata;
import java.util.HashMap;
import java.util.Map;
import java.util.Set;
import java.util.regex.Pattern;
import java.util.regex.PatternSyntaxException;
import org.jspecify.annotations.Nullable;

/**
 * Hands the headers whose names fit a pattern to the model as parameters of its request. A header
 * goes before a parameter of the body, since a proxy that adds one means it to be believed.
 * Immutable.
 */
public final class HeaderForwarding {
  /** Hands over none. */
  public static final HeaderForwarding NONE = new HeaderForwarding(null);

  private static final Set<String> RESERVED =
      Set.of(
          "sequence_id",
          "sequence_start",
          "sequence_end",
          "priority",
          "timeout",
          "headers",
          "binary_data_output");
  private static final String RESERVED_PREFIX = "triton_";

  /** Longer names are not looked at: what a pattern costs must not be the client's choice. */
  private static final int LONGEST_NAME = 128;

  private final @Nullable Pattern pattern;

  private HeaderForwarding(@Nullable Pattern pattern) {
    this.pattern = pattern;
  }

  /**
   * Hands over headers in whose name the pattern is found, whatever the case; none for an empty
   * pattern.
   *
   * @throws IllegalArgumentException when it is no pattern
   */
  public static HeaderForwarding matching(String regex) {
    if (regex.isEmpty()) {
      return NONE;
    }
    try {
      return new HeaderForwarding(Pattern.compile(regex, Pattern.CASE_INSENSITIVE));
    } catch (PatternSyntaxException e) {
      throw new IllegalArgumentException(
          regex + " (expected: a regular expression): " + e.getDescription(), e);
    }
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof HeaderForwarding forwarding && forwarding.text().equals(text());
  }

  @Override
  public int hashCode() {
    return text().hashCode();
  }

  @Override
  public String toString() {
    return text();
  }

  private String text() {
    return pattern == null ? "" : pattern.pattern();
  }

  /** Whether no header is handed over. */
  boolean isNone() {
    return pattern == null;
  }

  /** What is handed over of these headers of HTTP. */
  Map<String, Object> of(Iterable<Map.Entry<String, String>> headers) {
    Map<String, Object> forwarded = new HashMap<>();
    if (pattern != null) {
      for (Map.Entry<String, String> header : headers) {
        add(pattern, forwarded, header.getKey(), header.getValue());
      }
    }
    return forwarded;
  }

  /** What is handed over of this metadata of gRPC, where it is text. */
  Map<String, Object> of(Metadata metadata) {
    Map<String, Object> forwarded = new HashMap<>();
    if (pattern != null) {
      for (String name : metadata.keys()) {
        if (!name.endsWith(Metadata.BINARY_HEADER_SUFFIX)) {
          Iterable<String> values =
              metadata.getAll(Metadata.Key.of(name, Metadata.ASCII_STRING_MARSHALLER));
          if (values != null) {
            values.forEach(value -> add(pattern, forwarded, name, value));
          }
        }
      }
    }
    return forwarded;
  }

  /** A header that comes several times is one, as HTTP has it, with commas between. */
  private static void add(
      Pattern pattern, Map<String, Object> forwarded, String name, String value) {
    if (name.length() <= LONGEST_NAME && pattern.matcher(name).find()) {
      forwarded.merge(name, value, (before, more) -> before + ", " + more);
    }
  }

  /**
   * The message with these parameters more. Owns the message from the call on, also when it throws.
   *
   * @throws FaultException INVALID_ARGUMENT when one has a name that v2 keeps for itself
   */
  static InferMessage add(InferMessage message, Map<String, Object> forwarded) {
    if (forwarded.isEmpty()) {
      return message;
    }
    for (String name : forwarded.keySet()) {
      if (RESERVED.contains(name) || name.startsWith(RESERVED_PREFIX)) {
        message.close();
        throw FaultException.of(
            Fault.INVALID_ARGUMENT,
            "header '" + name + "' cannot be a parameter: its name is reserved");
      }
    }
    InferRequest.Call call = message.call();
    Map<String, Object> parameters = new HashMap<>(call.parameters());
    parameters.putAll(forwarded);
    return new InferMessage(
        call.with(parameters), message.inputs(), message.leases(), message.form());
  }
}
