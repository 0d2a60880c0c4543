package dev.nereid.access;

import dev.nereid.access.Decision.Admitted;
import dev.nereid.access.Decision.Refused;
import dev.nereid.core.Fault;
import dev.nereid.core.FaultException;
import dev.nereid.core.Ticker;
import dev.nereid.telemetry.Meter;
import dev.nereid.telemetry.Metrics;
import java.nio.file.Path;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import javax.security.auth.x500.X500Principal;
import org.jspecify.annotations.Nullable;

/**
 * Decides who may call, by files and an address that it follows as they change.
 *
 * <p><b>Threading.</b> Thread-safe; {@link #decide} is called on event loops and does not block.
 * <b>Order.</b> Closed after the listeners that ask it.
 */
public final class AccessControl implements AutoCloseable {
  /** After this a caller that has too much in flight may ask again. */
  private static final long BUSY_RETRY_NANOS = TimeUnit.SECONDS.toNanos(1);

  private final Metrics metrics;
  private final Ticker ticker;
  private final InstantSource clock;
  private final CallerLimits usual;
  private final Budgets budgets;
  private final @Nullable TokenCheck tokens;
  private final AccessWatch watch;
  private final AtomicBoolean keyMissing = new AtomicBoolean();
  private volatile CallerList list = CallerList.EMPTY;

  /**
   * Reads the files, and begins to follow them.
   *
   * @throws FaultException INVALID_ARGUMENT when one is missing or wrong
   */
  public AccessControl(AccessOptions options, Metrics metrics, Ticker ticker) {
    this(options, metrics, ticker, InstantSource.system());
  }

  AccessControl(AccessOptions options, Metrics metrics, Ticker ticker, InstantSource clock) {
    this.metrics = metrics;
    this.ticker = ticker;
    this.clock = clock;
    usual = options.usual();
    budgets = new Budgets(ticker);
    TokenOptions wanted = options.tokens();
    tokens = wanted == null ? null : tokens(wanted);
    try {
      watch = follow(options.callers(), wanted);
    } catch (IllegalArgumentException e) {
      throw new FaultException(Fault.INVALID_ARGUMENT.with(String.valueOf(e.getMessage())), e);
    }
  }

  private TokenCheck tokens(TokenOptions wanted) {
    TokenClaims claims = new TokenClaims(wanted, usual, budgets);
    return new TokenCheck(wanted, claims, ticker, clock, () -> keyMissing.set(true));
  }

  private AccessWatch follow(@Nullable Path callers, @Nullable TokenOptions wanted) {
    List<FollowedFile> files = new ArrayList<>();
    if (callers != null) {
      files.add(new FollowedFile(callers, this::takeCallers, metrics));
    }
    KeyFetch fetch = null;
    if (wanted != null && wanted.address() != null) {
      fetch = new KeyFetch(wanted.address(), wanted.refresh(), this::takeKeys, metrics);
    } else if (wanted != null) {
      files.add(
          new FollowedFile(wanted.file(), bytes -> takeKeys(TokenKeys.parse(bytes)), metrics));
    }
    return new AccessWatch(files, fetch, keyMissing);
  }

  private void takeCallers(byte[] content) {
    list = CallerList.of(CallersFile.parse(content), usual, budgets);
  }

  private void takeKeys(TokenKeys keys) {
    if (tokens != null) {
      tokens.take(keys);
    }
  }

  /**
   * Decides on one request, and counts it against its caller's limits. What needs nothing is always
   * admitted, as a stranger's where nothing good is shown, and counts against nobody.
   */
  public Decision decide(Credentials shown, Need need) {
    Decision known = identify(shown);
    if (need == Need.NOTHING) {
      return new Admitted(
          known instanceof Admitted(Caller who) ? who.unlimited() : Caller.STRANGER);
    }
    if (!(known instanceof Admitted(Caller caller))) {
      return known;
    }
    if (!need.isMetBy(caller)) {
      return shown.isEmpty()
          ? missing()
          : new Refused(
              Denial.ROLE,
              caller.name(),
              "caller " + caller.name() + ": not allowed to do this",
              0);
    }
    long wait = caller.enter(ticker.nanos());
    if (wait == Budget.GRANTED) {
      return known;
    }
    return wait == Budget.BUSY
        ? new Refused(
            Denial.CONCURRENCY,
            caller.name(),
            "caller " + caller.name() + ": too many requests at a time",
            BUSY_RETRY_NANOS)
        : new Refused(
            Denial.RATE, caller.name(), "caller " + caller.name() + ": too many requests", wait);
  }

  /** Counts a refusal under a listener's name. */
  public void refused(String listener, Denial denial) {
    metrics.counter(Meter.ACCESS_REFUSALS, listener, denial.word()).increment();
  }

  @Override
  public void close() {
    watch.close();
  }

  private Decision identify(Credentials shown) {
    Refused fault = shown.fault();
    if (fault != null) {
      return fault;
    }
    CallerList callers = list;
    if (shown.isEmpty()) {
      return valid(callers.anonymous(), missing());
    }
    X500Principal subject = shown.subject();
    if (subject != null) {
      return valid(callers.bySubject(subject), unknown("certificate: of nobody who may call"));
    }
    String secret = shown.secret();
    if (secret.startsWith(ApiKey.PREFIX)) {
      return valid(callers.byKey(secret), unknown("key: not accepted"));
    }
    if (tokens == null) {
      return unknown("key: not accepted");
    }
    Decision whose = tokens.check(secret, callers);
    return whose instanceof Admitted(Caller caller) ? valid(caller, whose) : whose;
  }

  private Decision valid(@Nullable Caller caller, Decision otherwise) {
    if (caller == null) {
      return otherwise;
    }
    return caller.isExpired(clock.millis())
        ? Refused.of(Denial.EXPIRED, "caller " + caller.name() + ": expired")
        : new Admitted(caller);
  }

  private static Refused missing() {
    return Refused.of(
        Denial.MISSING, "credentials: none (expected: header authorization: Bearer KEY)");
  }

  private static Refused unknown(String detail) {
    return Refused.of(Denial.UNKNOWN, detail);
  }
}
