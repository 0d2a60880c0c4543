package dev.nereid.protocol;

import dev.nereid.core.Fault;
import dev.nereid.core.FaultException;
import java.util.HashMap;
import java.util.Map;

/**
 * The parameters of one request, whichever protocol they came over: those that v2 defines, and the
 * free ones for the back end. Confined to one thread.
 */
final class RequestParameters {
  private static final String RESERVED_PREFIX = "triton_";
  private static final int MAX_SEQUENCE_ID = 128;

  private Map<String, Object> free = Map.of();
  private long priority;
  private long timeoutMicros;
  private boolean binaryOutput;

  long priority() {
    return priority;
  }

  long timeoutMicros() {
    return timeoutMicros;
  }

  boolean binaryOutput() {
    return binaryOutput;
  }

  Map<String, Object> free() {
    return free;
  }

  void priority(long value) {
    priority = value;
  }

  void timeoutMicros(long value) {
    timeoutMicros = value;
  }

  void binaryOutput(boolean value) {
    binaryOutput = value;
  }

  /** Keeps a sequence's correlation id, a whole number or a string. */
  void sequenceId(Object value) {
    if (value instanceof String text && text.length() > MAX_SEQUENCE_ID) {
      throw FaultException.of(
          Fault.UNSUPPORTED,
          "string correlation ID cannot be longer than 128 characters, got " + text.length());
    }
    keep("sequence_id", value);
  }

  /** Keeps a parameter for the back end. */
  void put(String key, Object value) {
    if (key.startsWith(RESERVED_PREFIX)) {
      throw FaultException.of(
          Fault.INVALID_ARGUMENT,
          "parameter keys starting with 'triton_' are reserved for Triton usage and should not be"
              + " specified, got '"
              + key
              + "'");
    }
    keep(key, value);
  }

  /** Keeps a parameter whatever its name. */
  void keep(String key, Object value) {
    if (free.isEmpty()) {
      free = new HashMap<>();
    }
    free.put(key, value);
  }
}
