package dev.nereid.http;

import java.time.Duration;
import org.jspecify.annotations.Nullable;

/**
 * How a listener behaves.
 *
 * @param name in messages, metrics and the access log: {@code http}, {@code gateway}
 * @param tls null for plain text
 * @param guarding what is asked of requests at their heads
 */
public record ListenerOptions(
    String name,
    Address address,
    Limits limits,
    Timeouts timeouts,
    @Nullable ListenerTls tls,
    Guarding guarding) {

  /** Options in plain text, for everybody. */
  public ListenerOptions(String name, Address address, Limits limits, Timeouts timeouts) {
    this(name, address, limits, timeouts, null, Guarding.NONE);
  }

  /** Options of that name with every default, on that port. */
  public static ListenerOptions of(String name, int port) {
    return new ListenerOptions(
        name, new Address("0.0.0.0", port, 1024, ""), Limits.DEFAULT, Timeouts.DEFAULT);
  }

  /** These options at another address. */
  public ListenerOptions at(Address other) {
    return new ListenerOptions(name, other, limits, timeouts, tls, guarding);
  }

  /** These options within other limits. */
  public ListenerOptions within(Limits other) {
    return new ListenerOptions(name, address, other, timeouts, tls, guarding);
  }

  /** These options with other times. */
  public ListenerOptions with(Timeouts other) {
    return new ListenerOptions(name, address, limits, other, tls, guarding);
  }

  /** These options with that TLS; null for plain text. */
  public ListenerOptions over(@Nullable ListenerTls other) {
    return new ListenerOptions(name, address, limits, timeouts, other, guarding);
  }

  /** These options with other questions at the heads of requests. */
  public ListenerOptions guarded(Guarding other) {
    return new ListenerOptions(name, address, limits, timeouts, tls, other);
  }

  /**
   * Where to listen.
   *
   * @param port 0 for one that the system chooses
   * @param backlog connections the system keeps that are not accepted yet
   * @param flag the option that sets the port, for the message when it is taken; may be empty
   * @param shared whether other processes that say so, too, may listen there as well
   */
  public record Address(String host, int port, int backlog, String flag, boolean shared) {
    /** An address for this process alone. */
    public Address(String host, int port, int backlog, String flag) {
      this(host, port, backlog, flag, false);
    }

    public Address {
      requireBetween("port", port, 0, 65535);
      requireBetween("backlog", backlog, 1, Integer.MAX_VALUE);
    }
  }

  /**
   * What a client may use. Passing one is answered at once and counted by {@link Refusal}.
   *
   * @param connections open at a time
   * @param initialLineBytes of the request line
   * @param headerBytes of all header lines together
   * @param bodyBytes of one body as it comes over the wire
   * @param inFlightRequests with a method that may carry a body, read and not yet answered; health
   *     checks and scrapes pass
   * @param inFlightBytes of the bodies of those
   */
  public record Limits(
      int connections,
      int initialLineBytes,
      int headerBytes,
      int bodyBytes,
      int inFlightRequests,
      long inFlightBytes) {
    /** 65,536 connections, 64 MiB to a body, 32,768 requests and 4 GiB in flight. */
    public static final Limits DEFAULT =
        new Limits(1 << 16, 8 << 10, 32 << 10, 64 << 20, 1 << 15, 4L << 30);

    public Limits {
      requireBetween("connections", connections, 1, Integer.MAX_VALUE);
      requireBetween("initial-line-bytes", initialLineBytes, 64, 1 << 20);
      requireBetween("header-bytes", headerBytes, 64, 1 << 20);
      requireBetween("body-bytes", bodyBytes, 1, Integer.MAX_VALUE);
      requireBetween("in-flight-requests", inFlightRequests, 1, Integer.MAX_VALUE);
      requireBetween("in-flight-bytes", inFlightBytes, 1, Long.MAX_VALUE);
    }

    /** These limits with another one on bodies. */
    public Limits withBodyBytes(int bytes) {
      return new Limits(
          connections, initialLineBytes, headerBytes, bytes, inFlightRequests, inFlightBytes);
    }

    /** These limits with others on what is in flight. */
    public Limits withInFlight(int requests, long bytes) {
      return new Limits(connections, initialLineBytes, headerBytes, bodyBytes, requests, bytes);
    }

    /** These limits with another one on connections. */
    public Limits withConnections(int count) {
      return new Limits(
          count, initialLineBytes, headerBytes, bodyBytes, inFlightRequests, inFlightBytes);
    }
  }

  /**
   * How long a client may take.
   *
   * @param idle a connection without a request, or one that does not take its answer, is closed
   * @param read a request must have arrived this long after its first byte, longer for big bodies
   * @param bytesPerSecond every so many bytes of a body allow one second more
   * @param request the deadline of a request that names none; zero for none
   */
  public record Timeouts(Duration idle, Duration read, int bytesPerSecond, Duration request) {
    /** 75 s idle, 20 s to read and one more for each 64 KiB, no deadline. */
    public static final Timeouts DEFAULT =
        new Timeouts(Duration.ofSeconds(75), Duration.ofSeconds(20), 64 << 10, Duration.ZERO);

    public Timeouts {
      requireBetween("idle", idle.toMillis(), 1, Integer.MAX_VALUE);
      requireBetween("read", read.toMillis(), 1, Integer.MAX_VALUE);
      requireBetween("bytes-per-second", bytesPerSecond, 1, Integer.MAX_VALUE);
      requireBetween("request", request.toMillis(), 0, Integer.MAX_VALUE);
    }
  }

  private static void requireBetween(String key, long value, long least, long most) {
    if (value < least || value > most) {
      throw new IllegalArgumentException(
          key + ": " + value + " (expected: " + least + " to " + most + ")");
    }
  }
}
