package dev.nereid.server;

import dev.nereid.http.ListenerTls;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/**
 * How the gRPC listener behaves.
 *
 * @param tls null for plain text
 * @param packing of the answers to inferences, for clients that take it
 */
public record GrpcOptions(
    Address address,
    KeepAlive keepAlive,
    Age age,
    Limits limits,
    @Nullable ListenerTls tls,
    Access access,
    Packing packing) {

  /** Every default, on that port. */
  public static GrpcOptions of(int port) {
    return new GrpcOptions(
        new Address("0.0.0.0", port, ""),
        KeepAlive.DEFAULT,
        Age.UNLIMITED,
        Limits.DEFAULT,
        null,
        Access.OPEN,
        Packing.NONE);
  }

  /** These options within other limits. */
  public GrpcOptions within(Limits other) {
    return new GrpcOptions(address, keepAlive, age, other, tls, access, packing);
  }

  /** These options with that TLS. */
  public GrpcOptions over(ListenerTls other) {
    return new GrpcOptions(address, keepAlive, age, limits, other, access, packing);
  }

  /** These options with that access. */
  public GrpcOptions with(Access other) {
    return new GrpcOptions(address, keepAlive, age, limits, tls, other, packing);
  }

  /** These options with answers packed like that. */
  public GrpcOptions packing(Packing other) {
    return new GrpcOptions(address, keepAlive, age, limits, tls, access, other);
  }

  /** How hard answers are packed. */
  public enum Packing {
    /** Not at all. */
    NONE(0),
    /** In the shortest time. */
    LOW(1),
    /** As gzip does when nothing is said. */
    MEDIUM(6),
    /** To the smallest size. */
    HIGH(9);

    private final int level;

    Packing(int level) {
      this.level = level;
    }

    int level() {
      return level;
    }
  }

  /**
   * Where to listen.
   *
   * @param port 0 for one that the system chooses
   * @param flag the option that sets the port, for the message when it is taken; may be empty
   * @param shared whether other processes that say so, too, may listen there as well
   */
  public record Address(String host, int port, String flag, boolean shared) {
    /** An address for this process alone. */
    public Address(String host, int port, String flag) {
      this(host, port, flag, false);
    }

    public Address {
      if (port < 0 || port > 65535) {
        throw new IllegalArgumentException("port: " + port + " (expected: 0 to 65535)");
      }
    }
  }

  /**
   * How dead connections are found, and how often clients may ask.
   *
   * @param time of silence before the server pings
   * @param timeout until an unanswered ping ends the connection
   * @param withoutCalls whether idle connections may ping
   * @param minClientInterval between a client's pings
   */
  public record KeepAlive(
      Duration time, Duration timeout, boolean withoutCalls, Duration minClientInterval) {
    /** Triton's: 2 h, 20 s, no, 5 min. */
    public static final KeepAlive DEFAULT =
        new KeepAlive(Duration.ofHours(2), Duration.ofSeconds(20), false, Duration.ofMinutes(5));
  }

  /**
   * How long connections live.
   *
   * @param most null for ever
   * @param grace how long calls may then take; null for as long as they like
   */
  public record Age(@Nullable Duration most, @Nullable Duration grace) {
    /** For ever. */
    public static final Age UNLIMITED = new Age(null, null);
  }

  /**
   * What clients may use; passing one is answered with UNAVAILABLE, or RESOURCE_EXHAUSTED for a
   * message.
   *
   * @param messageBytes of one message
   * @param inFlightRequests inferences received and not answered
   * @param inFlightBytes of the messages of those
   * @param request the deadline of an inference that names none; zero for none
   */
  public record Limits(
      int messageBytes, int inFlightRequests, long inFlightBytes, Duration request) {
    /** 2^31-1 bytes, 32,768 requests, 4 GiB, no deadline. */
    public static final Limits DEFAULT = new Limits(Integer.MAX_VALUE, 1 << 15, 4L << 30);

    /** Limits without a deadline. */
    public Limits(int messageBytes, int inFlightRequests, long inFlightBytes) {
      this(messageBytes, inFlightRequests, inFlightBytes, Duration.ZERO);
    }

    public Limits {
      if (messageBytes < 1 || inFlightRequests < 1 || inFlightBytes < 1) {
        throw new IllegalArgumentException(
            "grpc limits: %d, %d, %d (expected: above 0)"
                .formatted(messageBytes, inFlightRequests, inFlightBytes));
      }
    }
  }
}
