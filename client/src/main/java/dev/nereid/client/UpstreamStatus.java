package dev.nereid.client;

import java.util.List;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * The remote servers and the calls to them, as of now.
 *
 * @param retries attempts beyond each call's first
 * @param retryRefusals attempts that the budget did not allow
 * @param hedges second attempts made while the first ran
 */
public record UpstreamStatus(
    List<Target> targets,
    List<ChannelRegistry.ChannelStatus> channels,
    Admitted admitted,
    long retries,
    long retryRefusals,
    long hedges) {
  public UpstreamStatus {
    targets = List.copyOf(targets);
    channels = List.copyOf(channels);
  }

  /**
   * What is under way.
   *
   * @param waiting calls that there was no room for yet
   * @param refusals calls that found none in time, or too many of their model under way
   */
  public record Admitted(int calls, long bytes, int waiting, long refusals) {
    Admitted withRefusals(long more) {
      return new Admitted(calls, bytes, waiting, refusals + more);
    }
  }

  /**
   * One target.
   *
   * @param reason why it is in its state; may be empty
   * @param connections open
   * @param activeStreams calls the target works on
   * @param waitingStreams calls that the connection has no stream for yet
   * @param queueDepth requests in the target's queues, on average since the last question
   * @param batches executions by batch size since the target was first asked
   * @param work what its models did since then
   * @param flags what is wrong with it; empty when nothing is
   */
  public record Target(
      Endpoint endpoint,
      TargetState state,
      String reason,
      int connections,
      int activeStreams,
      int waitingStreams,
      double queueDepth,
      SortedMap<Long, Long> batches,
      Work work,
      Calls calls,
      List<RedFlag> flags,
      List<Breaker> breakers,
      List<String> models) {
    public Target {
      batches = new TreeMap<>(batches);
      flags = List.copyOf(flags);
      breakers = List.copyOf(breakers);
      models = List.copyOf(models);
    }
  }

  /**
   * What models did, ensembles left out because their steps count.
   *
   * @param requests that left the queue
   * @param queueNanos that they waited there, in all
   * @param inferences requests whose inference ended
   * @param inferNanos that it took, in all
   */
  public record Work(long requests, long queueNanos, long inferences, long inferNanos) {
    /** Nothing yet. */
    public static final Work NONE = new Work(0, 0, 0, 0);

    /** Both together. */
    public Work plus(Work other) {
      return new Work(
          requests + other.requests,
          queueNanos + other.queueNanos,
          inferences + other.inferences,
          inferNanos + other.inferNanos);
    }

    /** What was done since then; all of it where counting began anew meanwhile. */
    public Work since(Work before) {
      if (requests < before.requests || inferences < before.inferences) {
        return this;
      }
      return new Work(
          requests - before.requests,
          Math.max(0, queueNanos - before.queueNanos),
          inferences - before.inferences,
          Math.max(0, inferNanos - before.inferNanos));
    }
  }

  /**
   * The calls to a target.
   *
   * @param answered since the start
   * @param failed since the start
   * @param perSecond answered, over the last ten seconds
   * @param p50Nanos of the last ten seconds; 0 without calls
   * @param p99Nanos of the last ten seconds; 0 without calls
   * @param refused for want of a connection, in the last ten seconds
   */
  public record Calls(
      long answered, long failed, double perSecond, long p50Nanos, long p99Nanos, long refused) {}

  /** A model's breaker: CLOSED, OPEN or HALF_OPEN. */
  public record Breaker(String model, String state) {}

  /** Signs that a connection, or what is behind it, is saturated. */
  public enum RedFlag {
    /** One call in a hundred took more than a second. */
    P99_OVER_1000_MS,
    /** Calls wait for a stream: the server's limit on streams is reached. */
    STREAM_LIMIT,
    /** Connections were refused. */
    REFUSED,
    /** More is asked than before, and no more is done. */
    PLATEAU
  }
}
