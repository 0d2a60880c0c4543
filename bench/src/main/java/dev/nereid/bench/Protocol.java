package dev.nereid.bench;

import java.util.Arrays;
import java.util.Iterator;
import java.util.List;
import java.util.Locale;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/** How requests travel. */
enum Protocol {
  /** The v2 protocol over gRPC. */
  GRPC(8001),
  /** The v2 protocol over HTTP, tensors as bytes. */
  HTTP(8000),
  /** The v2 protocol over HTTP, tensors as JSON. */
  HTTP_JSON(8000),
  /** Pictures to a REST route. */
  IMAGE(9600),
  /** Any HTTP request, from a file with gaps. */
  TEMPLATE(80);

  private final int defaultPort;

  Protocol(int defaultPort) {
    this.defaultPort = defaultPort;
  }

  int defaultPort() {
    return defaultPort;
  }

  /** The name on the command line. */
  String label() {
    return name().toLowerCase(Locale.ROOT).replace('_', '-');
  }

  /** Names on the command line, for completion. */
  static final class Names implements ITypeConverter<Protocol>, Iterable<String> {
    @Override
    public Protocol convert(String value) {
      for (Protocol protocol : values()) {
        if (protocol.label().equals(value)) {
          return protocol;
        }
      }
      throw new TypeConversionException("'" + value + "' (expected: one of " + all() + ")");
    }

    @Override
    public Iterator<String> iterator() {
      return all().iterator();
    }

    private static List<String> all() {
      return Arrays.stream(values()).map(Protocol::label).toList();
    }
  }
}
