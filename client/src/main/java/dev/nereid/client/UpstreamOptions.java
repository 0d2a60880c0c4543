package dev.nereid.client;

import java.time.Duration;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ThreadLocalRandom;

/**
 * Which servers there are, how they are reached, and how calls to them are protected.
 *
 * @param targets one for each server, or for each name that stands for several
 * @param channels connections to each target in each lane
 */
public record UpstreamOptions(
    List<Endpoint> targets,
    Policy policy,
    int channels,
    ChannelOptions channel,
    Health health,
    Retry retry,
    Breaker breaker,
    Limits limits,
    Security security) {

  /** Which of the targets that can serve a call gets it. */
  public enum Policy {
    /** Each in its turn. */
    ROUND_ROBIN,
    /** The one with the fewest calls in flight from here; in turn among equals. */
    LEAST_REQUEST
  }

  public UpstreamOptions {
    targets = List.copyOf(targets);
    if (targets.isEmpty()) {
      throw new IllegalArgumentException("upstream: none (expected: at least one)");
    }
    if (new HashSet<>(targets).size() < targets.size()) {
      throw new IllegalArgumentException("upstream: " + targets + " (expected: each one once)");
    }
    requireAtLeast("upstream-channels", channels, 1);
  }

  /** The defaults for these targets: one shared channel each, in turn. */
  public static UpstreamOptions of(Endpoint... targets) {
    return new UpstreamOptions(
        List.of(targets),
        Policy.ROUND_ROBIN,
        1,
        ChannelOptions.DEFAULT,
        Health.DEFAULT,
        Retry.DEFAULT,
        Breaker.DEFAULT,
        Limits.DEFAULT,
        Security.DEFAULT);
  }

  /**
   * How it is found out whether a target serves, and what.
   *
   * @param interval between two questions
   * @param timeout until a target without an answer counts as stuck: its calls go elsewhere
   * @param slowFactor a target whose usual time is so many times that of the others is left out for
   *     a while; 0 for never
   */
  public record Health(Duration interval, Duration timeout, double slowFactor) {
    /** Every half second, one second to answer, three times as slow as the others. */
    public static final Health DEFAULT =
        new Health(Duration.ofMillis(500), Duration.ofSeconds(1), 3);

    public Health {
      requirePositive("upstream-health-interval", interval);
      requirePositive("upstream-health-timeout", timeout);
      if (slowFactor != 0 && slowFactor < 1.5) {
        throw new IllegalArgumentException(
            "upstream-slow-factor: " + slowFactor + " (expected: 0, or 1.5 and more)");
      }
    }
  }

  /**
   * How often a call is tried again elsewhere, where that is safe.
   *
   * @param attempts of one call in all
   * @param backoff before the second attempt, doubled for each further one, give or take a half
   * @param budget retries that are to be had at once
   * @param perCall what each call adds to the budget, up to its size
   * @param hedgeAfter a call without an answer for so long is sent a second time; zero for never
   */
  public record Retry(
      int attempts, Duration backoff, int budget, double perCall, Duration hedgeAfter) {
    /** Four attempts, 5 ms, 512 at once, one for every five calls; no hedging. */
    public static final Retry DEFAULT = new Retry(4, Duration.ofMillis(5), 512, 0.2, Duration.ZERO);

    public Retry {
      requireAtLeast("upstream-attempts", attempts, 1);
      requireAtLeast("upstream-retry-budget", budget, 0);
      if (backoff.isNegative() || hedgeAfter.isNegative() || !(perCall >= 0)) {
        throw new IllegalArgumentException(
            "retry: %s, %s, %s (expected: not negative)".formatted(backoff, perCall, hedgeAfter));
      }
    }

    /** A pause before the attempt that follows so many. */
    long pauseNanos(int made) {
      long base = backoff.toNanos() << Math.min(10, made - 1);
      return base <= 1 ? base : base / 2 + ThreadLocalRandom.current().nextLong(base);
    }

    /** The same with hedging. */
    public Retry hedgedAfter(Duration silence) {
      return new Retry(attempts, backoff, budget, perCall, silence);
    }
  }

  /**
   * When a model on a target is left alone.
   *
   * @param failures in a row
   * @param pause until it is tried again
   * @param probes calls let through then; when they succeed, all are
   */
  public record Breaker(int failures, Duration pause, int probes) {
    /** Five failures, 30 seconds, two probes. */
    public static final Breaker DEFAULT = new Breaker(5, Duration.ofSeconds(30), 2);

    public Breaker {
      requireAtLeast("upstream-breaker-failures", failures, 1);
      requireAtLeast("upstream-breaker-probes", probes, 1);
      requirePositive("upstream-breaker-pause", pause);
    }
  }

  /**
   * How much is under way at a time.
   *
   * @param calls admitted and not answered yet
   * @param bytes of their inputs
   * @param perModel calls of one model
   * @param patience how long a call waits for room before it is refused
   */
  public record Limits(int calls, long bytes, int perModel, Duration patience) {
    /** 8,192 calls, 2 GiB, 4,096 calls of one model, 100 ms. */
    public static final Limits DEFAULT = new Limits(8192, 2L << 30, 4096, Duration.ofMillis(100));

    public Limits {
      requireAtLeast("upstream-max-in-flight", calls, 1);
      requireAtLeast("upstream-max-in-flight-bytes", bytes, 1);
      requireAtLeast("upstream-max-in-flight-per-model", perModel, 1);
      if (patience.isNegative()) {
        throw new IllegalArgumentException(
            "upstream-max-wait: " + patience + " (expected: not negative)");
      }
    }
  }

  /**
   * Who is spoken to over TLS, while the others get plain text, and what they are shown.
   *
   * @param targets those over TLS
   * @param credentials of this process, by the target that asks for them
   */
  public record Security(
      Set<Endpoint> targets, TlsOptions tls, Map<Endpoint, UpstreamCredentials> credentials) {
    /** Nobody, and nothing. */
    public static final Security DEFAULT = new Security(Set.of(), TlsOptions.DEFAULT, Map.of());

    public Security {
      targets = Set.copyOf(targets);
      credentials = Map.copyOf(credentials);
    }
  }

  /** How the channels to a target behave. */
  ChannelOptions channelTo(Endpoint target) {
    ChannelOptions plain = security.targets.contains(target) ? channel.over(security.tls) : channel;
    UpstreamCredentials shown = security.credentials.get(target);
    return shown == null ? plain : plain.showing(shown);
  }

  /** These options with another policy. */
  public UpstreamOptions with(Policy other) {
    return new UpstreamOptions(
        targets, other, channels, channel, health, retry, breaker, limits, security);
  }

  /** These options with pools of so many channels. */
  public UpstreamOptions withChannels(int count) {
    return new UpstreamOptions(
        targets, policy, count, channel, health, retry, breaker, limits, security);
  }

  /** These options with other questions. */
  public UpstreamOptions with(Health other) {
    return new UpstreamOptions(
        targets, policy, channels, channel, other, retry, breaker, limits, security);
  }

  /** These options with other retries. */
  public UpstreamOptions with(Retry other) {
    return new UpstreamOptions(
        targets, policy, channels, channel, health, other, breaker, limits, security);
  }

  /** These options with other breakers. */
  public UpstreamOptions with(Breaker other) {
    return new UpstreamOptions(
        targets, policy, channels, channel, health, retry, other, limits, security);
  }

  /** These options with other limits. */
  public UpstreamOptions with(Limits other) {
    return new UpstreamOptions(
        targets, policy, channels, channel, health, retry, breaker, other, security);
  }

  /** These options with other TLS and credentials. */
  public UpstreamOptions with(Security other) {
    return new UpstreamOptions(
        targets, policy, channels, channel, health, retry, breaker, limits, other);
  }

  private static void requireAtLeast(String name, long value, long least) {
    if (value < least) {
      throw new IllegalArgumentException(name + ": " + value + " (expected: >= " + least + ")");
    }
  }

  private static void requirePositive(String name, Duration value) {
    if (value.isNegative() || value.isZero()) {
      throw new IllegalArgumentException(name + ": " + value + " (expected: above zero)");
    }
  }
}
