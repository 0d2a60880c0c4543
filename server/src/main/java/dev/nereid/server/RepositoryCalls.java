package dev.nereid.server;

import dev.nereid.core.Fault;
import dev.nereid.core.FaultException;
import dev.nereid.engine.LoadParameters;
import dev.nereid.protocol.proto.ModelRepositoryParameter;
import java.nio.ByteBuffer;
import java.util.Base64;
import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** What calls to load and unload ask for, out of the parameters of either protocol. Stateless. */
final class RepositoryCalls {
  private static final String CONFIG = "config";
  private static final String FILE = "file:";
  private static final String UNLOAD_DEPENDENTS = "unload_dependents";

  private RepositoryCalls() {}

  /** Refuses a repository that is named: there is just one here. */
  static void requireNoRepository(String name) {
    if (!name.isEmpty()) {
      throw FaultException.of(
          Fault.UNSUPPORTED, "'repository_name' specification is not supported");
    }
  }

  /** A load over HTTP, where files are base64 texts. */
  static LoadParameters load(Map<String, Object> parameters) {
    Loading loading = new Loading();
    parameters.forEach(
        (name, value) -> {
          if (name.equals(CONFIG)) {
            loading.config(value instanceof String text ? text : null);
          } else if (name.startsWith(FILE)) {
            loading.file(name, value instanceof String text ? decoded(name, text) : null);
          } else {
            throw FaultException.of(
                Fault.INTERNAL,
                "unexpected error on creating Triton parameter: unrecognized load parameter '%s' (expected: 'config' or 'file:VERSION/FILE')"
                    .formatted(name));
          }
        });
    return loading.result();
  }

  /** A load over gRPC, where files are bytes. */
  static LoadParameters loadOf(Map<String, ModelRepositoryParameter> parameters) {
    Loading loading = new Loading();
    parameters.forEach(
        (name, value) -> {
          if (name.equals(CONFIG)) {
            loading.config(value.hasStringParam() ? value.getStringParam() : null);
          } else if (name.startsWith(FILE)) {
            boolean bytes = value.hasBytesParam();
            loading.file(name, bytes ? value.getBytesParam().asReadOnlyByteBuffer() : null);
          } else {
            throw FaultException.of(
                Fault.INVALID_ARGUMENT,
                "unrecognized load parameter '%s' (expected: 'config' or 'file:VERSION/FILE')"
                    .formatted(name));
          }
        });
    return loading.result();
  }

  private static ByteBuffer decoded(String name, String base64) {
    try {
      return ByteBuffer.wrap(Base64.getDecoder().decode(base64));
    } catch (IllegalArgumentException e) {
      throw FaultException.of(
          Fault.INVALID_ARGUMENT,
          "load parameter '%s': %s (expected: base64)".formatted(name, e.getMessage()));
    }
  }

  /** Gathers what a load asks for; a null is a value of the wrong type. */
  private static final class Loading {
    private @Nullable String config;
    private final Map<String, ByteBuffer> files = new HashMap<>();

    void config(@Nullable String json) {
      config = require(CONFIG, json, "a string that holds JSON");
    }

    void file(String name, @Nullable ByteBuffer content) {
      files.put(name.substring(FILE.length()), require(name, content, "the file's bytes"));
    }

    private static <T> T require(String name, @Nullable T value, String expected) {
      if (value == null) {
        throw FaultException.of(
            Fault.INVALID_ARGUMENT,
            "load parameter '%s': a value of another type (expected: %s)"
                .formatted(name, expected));
      }
      return value;
    }

    LoadParameters result() {
      return new LoadParameters(config, files);
    }
  }

  /** Whether an unload over HTTP means the parts of an ensemble too. */
  static boolean unloadsDependents(Map<String, Object> parameters) {
    Object value = parameters.getOrDefault(UNLOAD_DEPENDENTS, false);
    if (value instanceof Boolean flag) {
      return flag;
    }
    throw FaultException.of(
        Fault.INVALID_ARGUMENT,
        "unload parameter '%s': %s (expected: a boolean)".formatted(UNLOAD_DEPENDENTS, value));
  }

  /** Whether an unload over gRPC means the parts of an ensemble too. */
  static boolean unloadsDependentsOf(Map<String, ModelRepositoryParameter> parameters) {
    ModelRepositoryParameter value = parameters.get(UNLOAD_DEPENDENTS);
    if (value != null && !value.hasBoolParam()) {
      throw FaultException.of(
          Fault.INVALID_ARGUMENT,
          "unload parameter '%s': a value of another type (expected: a boolean)"
              .formatted(UNLOAD_DEPENDENTS));
    }
    return value != null && value.getBoolParam();
  }
}
