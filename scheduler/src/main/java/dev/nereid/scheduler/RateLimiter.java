package dev.nereid.scheduler;

import dev.nereid.backend.Placement;
import dev.nereid.config.proto.ModelConfig;
import dev.nereid.config.proto.ModelInstanceGroup;
import dev.nereid.config.proto.ModelRateLimiter;
import dev.nereid.core.Fault;
import dev.nereid.core.FaultException;
import dev.nereid.telemetry.Meter;
import dev.nereid.telemetry.MetricSource;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * Lets instances of all models of a server execute only while the resources that their groups
 * declare ({@code rate_limiter}) are to be had. Thread-safe.
 */
public final class RateLimiter implements MetricSource {
  /*
   * Ownership. A claim is an instance's; what it holds is counted in used until it gives it back.
   * Order. Waiting claims go by their turn: executions so far times priority, as Triton counts. Who
   * has executed and has more to do gives back and asks anew in one step: given back first, the
   * resources would go to whoever waits, whose turn it might not be. One that comes late, or comes back after a rest, starts at the turn of whoever was served last, or
   * it would keep the others out until it has caught up with what it missed.
   * Fairness. A claim that does not fit keeps those behind it from what it waits for, and from
   * nothing else.
   * Shutdown. A closed registration's claims are granted no more, and those waiting return.
   */
  private static final Comparator<Claim> BY_TURN =
      Comparator.comparingLong(Claim::turn).thenComparingLong(Claim::arrival);

  private static final int EVERY_DEVICE = -2;
  private static final int SHARED = -3;

  private final ReentrantLock allotting = new ReentrantLock();
  private final Map<Pool, Long> declared = new HashMap<>(); // written by the constructor only

  // guarded by allotting
  private final Map<Pool, Long> used = new HashMap<>();
  private final List<Claim> waiting = new ArrayList<>();
  private final Set<Registration> registrations = new HashSet<>();
  private long lastTurn;
  private long arrivals;

  /**
   * How much there is of a resource.
   *
   * @param device the number of a GPU, -1 for the CPU; null for as much on each of them
   */
  public record Resource(String name, long count, @Nullable Integer device) {
    public Resource {
      if (name.isEmpty() || count < 0 || (device != null && device < Placement.CPU)) {
        throw new IllegalArgumentException(
            "resource: '%s', %d, %s (expected: a name, 0 or more, a device)"
                .formatted(name, count, device));
      }
    }
  }

  /** A resource of one device, or one that all devices share. */
  private record Pool(String name, int device) {
    boolean isShared() {
      return device == SHARED;
    }
  }

  /**
   * A limiter of these resources.
   *
   * @param resources a resource that is not among them is not there at all; when there are none, of
   *     each resource there is as much as the greediest instance needs
   */
  public RateLimiter(List<Resource> resources) {
    for (Resource resource : resources) {
      Integer device = resource.device();
      declared.put(
          new Pool(resource.name(), device == null ? EVERY_DEVICE : device), resource.count());
      declared.put(new Pool(resource.name(), SHARED), resource.count());
    }
  }

  /**
   * Announces the instances of a model.
   *
   * @throws FaultException when one of them could never execute
   */
  Registration register(ModelConfig config, List<Placement> placements) {
    List<@Nullable Claim> claims = new ArrayList<>();
    for (Placement placement : placements) {
      claims.add(claim(config, placement));
    }
    Registration registration = new Registration(claims);
    allotting.lock();
    try {
      check(registration);
      registrations.add(registration);
      return registration;
    } finally {
      allotting.unlock();
    }
  }

  private @Nullable Claim claim(ModelConfig config, Placement placement) {
    for (ModelInstanceGroup group : config.getInstanceGroupList()) {
      if (group.getName().equals(placement.group())
          && group.getRateLimiter().getResourcesCount() > 0) {
        return new Claim(group.getRateLimiter(), placement.gpu());
      }
    }
    return null;
  }

  private void check(Registration registration) {
    Set<Pool> known = new HashSet<>();
    registrations.forEach(other -> known.addAll(other.needs().keySet()));
    Map<Pool, Long> needs = registration.needs();
    known.addAll(needs.keySet());
    for (Map.Entry<Pool, Long> need : needs.entrySet()) {
      String name = need.getKey().name();
      if (known.stream().filter(pool -> pool.name().equals(name)).anyMatch(Pool::isShared)
          && !known.stream().filter(pool -> pool.name().equals(name)).allMatch(Pool::isShared)) {
        throw FaultException.of(
            Fault.INVALID_ARGUMENT,
            "Resource \"%s\" is declared both global and per device (expected: one of them in every rate_limiter)"
                .formatted(name));
      }
      long size = declared.isEmpty() ? Long.MAX_VALUE : sizeOf(need.getKey());
      if (need.getValue() > size) {
        throw FaultException.of(
            Fault.INVALID_ARGUMENT,
            ("Resource count for \"%s\" is limited to %d which will prevent scheduling of one or"
                    + " more model instances, the minimum required count is %d"
                    + " (expected: --rate-limit-resource=%s:%d or more)")
                .formatted(name, size, need.getValue(), name, need.getValue()));
      }
    }
  }

  /** How much there is in a pool. */
  private long sizeOf(Pool pool) {
    if (!declared.isEmpty()) {
      Long own = declared.get(pool);
      Pool everywhere = new Pool(pool.name(), EVERY_DEVICE);
      return own != null ? own : declared.getOrDefault(everywhere, 0L);
    }
    long most = 0;
    for (Registration registration : registrations) {
      most = Math.max(most, registration.needs().getOrDefault(pool, 0L));
    }
    return most;
  }

  /** Grants what fits, in the order of turns. */
  private void grant() {
    waiting.sort(BY_TURN);
    Set<Pool> awaited = new HashSet<>();
    for (Claim claim : List.copyOf(waiting)) {
      if (claim.fits(awaited)) {
        claim.needs.forEach((pool, count) -> used.merge(pool, count, Long::sum));
        waiting.remove(claim);
        lastTurn = Math.max(lastTurn, claim.turn);
        claim.turn += claim.weight;
        claim.held = true;
        claim.granted.signal();
      } else {
        awaited.addAll(claim.needs.keySet());
      }
    }
  }

  @Override
  public void collect(Sink sink) {
    allotting.lock();
    try {
      Set<Pool> pools = new HashSet<>(used.keySet());
      registrations.forEach(registration -> pools.addAll(registration.needs().keySet()));
      for (Pool pool : pools) {
        String device = pool.isShared() ? "global" : Integer.toString(pool.device());
        sink.sample(Meter.RESOURCE_SIZE, (double) sizeOf(pool), pool.name(), device);
        sink.sample(Meter.RESOURCE_USED, (double) used.getOrDefault(pool, 0L), pool.name(), device);
      }
    } finally {
      allotting.unlock();
    }
  }

  /** The claims of one load of a model. */
  final class Registration implements AutoCloseable {
    private final List<@Nullable Claim> claims;
    private final Map<Pool, Long> needs = new HashMap<>();

    private Registration(List<@Nullable Claim> claims) {
      this.claims = claims;
      for (Claim claim : claims) {
        if (claim != null) {
          claim.needs.forEach((pool, count) -> needs.merge(pool, count, Math::max));
        }
      }
    }

    /** What the greediest instance needs. */
    private Map<Pool, Long> needs() {
      return needs;
    }

    /** The claim of an instance; null when it needs nothing. */
    @Nullable Claim claim(int instance) {
      return claims.get(instance);
    }

    /** Grants nothing more to these instances; those that hold something still give it back. */
    @Override
    public void close() {
      allotting.lock();
      try {
        registrations.remove(this);
        for (Claim claim : claims) {
          if (claim != null) {
            claim.withdrawn = true;
            waiting.remove(claim);
            claim.granted.signal();
          }
        }
        grant();
      } finally {
        allotting.unlock();
      }
    }
  }

  /** What one instance needs for an execution. Used by the thread that owns the instance. */
  final class Claim {
    private final Map<Pool, Long> needs = new HashMap<>();
    private final long weight;
    private final Condition granted = allotting.newCondition();

    // guarded by allotting
    private long turn;
    private long arrival;
    private boolean held;
    private boolean withdrawn;

    private Claim(ModelRateLimiter declaration, int device) {
      weight = Math.max(1, Integer.toUnsignedLong(declaration.getPriority()));
      for (ModelRateLimiter.Resource resource : declaration.getResourcesList()) {
        needs.merge(
            new Pool(resource.getName(), resource.getGlobal() ? SHARED : device),
            Integer.toUnsignedLong(resource.getCount()),
            Long::sum);
      }
    }

    /**
     * Asks for the resources, at the claim's turn, unless it has or awaits them; {@link #isHeld}
     * tells whether it has them.
     */
    void ask() {
      allotting.lock();
      try {
        enqueue();
        grant();
      } finally {
        allotting.unlock();
      }
    }

    /** Gives back what it has, and asks for the next execution. */
    void askAgain() {
      allotting.lock();
      try {
        giveBack();
        enqueue();
        grant();
      } finally {
        allotting.unlock();
      }
    }

    private void enqueue() {
      if (!withdrawn && !held && !waiting.contains(this)) {
        turn = Math.max(turn, lastTurn);
        arrival = arrivals++;
        waiting.add(this);
      }
    }

    private void giveBack() {
      if (held) {
        held = false;
        needs.forEach((pool, count) -> used.merge(pool, -count, Long::sum));
      }
    }

    /** Asks and waits; false when the registration was closed instead. */
    boolean await() throws InterruptedException {
      ask();
      allotting.lock();
      try {
        while (!held && !withdrawn) {
          granted.await();
        }
        return held;
      } finally {
        waiting.remove(this);
        allotting.unlock();
      }
    }

    boolean isHeld() {
      allotting.lock();
      try {
        return held;
      } finally {
        allotting.unlock();
      }
    }

    /** Gives the resources back, if it has them, and awaits none. */
    void release() {
      allotting.lock();
      try {
        if (held || waiting.remove(this)) {
          giveBack();
          grant();
        }
      } finally {
        allotting.unlock();
      }
    }

    private boolean fits(Set<Pool> awaited) {
      for (Map.Entry<Pool, Long> need : needs.entrySet()) {
        Pool pool = need.getKey();
        if (awaited.contains(pool)
            || used.getOrDefault(pool, 0L) + need.getValue() > sizeOf(pool)) {
          return false;
        }
      }
      return true;
    }

    private long turn() {
      return turn;
    }

    private long arrival() {
      return arrival;
    }
  }
}
