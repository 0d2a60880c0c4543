package dev.nereid.scheduler;

import dev.nereid.config.proto.ModelConfig;
import dev.nereid.config.proto.ModelDynamicBatching;
import dev.nereid.config.proto.ModelInput;
import dev.nereid.config.proto.ModelQueuePolicy;
import dev.nereid.config.proto.ModelQueuePolicy.TimeoutAction;
import dev.nereid.core.Fault;
import dev.nereid.core.InferRequest;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * The rules of Triton's dynamic batcher, stated once more over the plain list of those who wait and
 * straight from the configuration, to hold the scheduler's decisions against. Counts how often each
 * rule was decisive.
 */
final class BatchRules {
  /** What can decide something. */
  enum Rule {
    UNKNOWN_PRIORITY_IS_THE_DEFAULT,
    LOWER_LEVEL_FIRST,
    LEVEL_FULL,
    LEVEL_HAS_ITS_OWN_POLICY,
    SHORTER_TIMEOUT_ALLOWED,
    OWN_TIMEOUT_IGNORED,
    EXPIRED_IS_REJECTED,
    EXPIRED_IS_DELAYED,
    DELAYED_RUNS_BEHIND_OTHERS,
    CANCELLED_IS_DROPPED,
    DEADLINE_IS_KEPT,
    SWEPT_WHILE_ALL_ARE_BUSY,
    ALONE_WITHOUT_BATCHING,
    ENDS_BEFORE_THE_LARGEST_PREFERRED,
    ENDS_AT_THE_MAXIMUM,
    ENDS_AT_ANOTHER_SHAPE,
    ENDS_AT_OTHER_INPUTS,
    ENDS_AT_OTHER_CONTENT,
    ANY_SHAPE_WHERE_RAGGED,
    MARK_GOES_BEFORE_THE_DELAY,
    EXPIRED_TAKES_MORE_THAN_THE_MARK,
    LARGEST_PREFERRED_GOES_AT_ONCE,
    DELAY_IS_OVER,
    NO_DELAY_NO_WAIT,
    WAITS_FOR_THE_DELAY,
    WAITS_FOR_A_TIMEOUT,
    NOTHING_LEFT,
    ROWS_WAKE,
    EVERY_ARRIVAL_WAKES,
    QUEUE_GROWS_WHILE_BUSY,
    ANSWER_IS_HELD,
    ONE_FAILS_ALONE,
    BATCH_FAILS_TOGETHER
  }

  /** What an idle instance does. */
  sealed interface Verdict {
    record Run(List<SimulatedRequest> requests) implements Verdict {}

    /** Waits until then, or until so many rows are queued. */
    record Wait(long untilNanos, int rows) implements Verdict {}

    record Idle() implements Verdict {}
  }

  /** A request that may not run, and why. */
  record Dropped(SimulatedRequest request, Fault fault) {}

  final Map<Rule, Integer> used;
  private final ModelConfig config;
  private final ModelDynamicBatching batching;
  private final boolean joins;
  private final List<Integer> preferred;
  private final long delayNanos;
  private final List<SimulatedRequest> waiting = new ArrayList<>();
  private final List<Dropped> dropped = new ArrayList<>();
  private int lates;
  private int wantedRows = 1;

  // of the walk that is under way
  private final List<SimulatedRequest> pending = new ArrayList<>();
  private int rows;
  private int mark;

  BatchRules(ModelConfig config, Map<Rule, Integer> used) {
    this.config = config;
    this.used = used;
    batching = config.getDynamicBatching();
    joins = config.hasDynamicBatching() && config.getMaxBatchSize() > 0;
    int max = Math.max(1, config.getMaxBatchSize());
    List<Integer> sizes = batching.getPreferredBatchSizeList();
    preferred = sizes.isEmpty() ? List.of(max) : sizes.stream().sorted().toList();
    delayNanos = batching.getMaxQueueDelayMicroseconds() * 1000;
  }

  static Map<Rule, Integer> unused() {
    return new EnumMap<>(Rule.class);
  }

  void used(Rule rule) {
    used.merge(rule, 1, Integer::sum);
  }

  List<SimulatedRequest> waiting() {
    return waiting;
  }

  private ModelQueuePolicy policyOf(long level) {
    if (batching.containsPriorityQueuePolicy(level)) {
      used(Rule.LEVEL_HAS_ITS_OWN_POLICY);
    }
    return batching.getPriorityQueuePolicyOrDefault(level, batching.getDefaultQueuePolicy());
  }

  /** Lets a request into the queue; false when its level is full. */
  boolean arrives(SimulatedRequest request) {
    long levels = batching.getPriorityLevels();
    request.level = request.priority == InferRequest.LAST_PRIORITY ? levels : request.priority;
    if (levels > 0 && (request.level < 1 || request.level > levels)) {
      used(Rule.UNKNOWN_PRIORITY_IS_THE_DEFAULT);
      request.level = batching.getDefaultPriorityLevel();
    } else if (levels == 0) {
      request.level = 0;
    }
    ModelQueuePolicy policy = policyOf(request.level);
    long inLevel = waiting.stream().filter(each -> each.level == request.level).count();
    if (policy.getMaxQueueSize() > 0 && inLevel >= policy.getMaxQueueSize()) {
      used(Rule.LEVEL_FULL);
      return false;
    }
    request.endsAt = endOf(request, policy);
    waiting.add(request);
    return true;
  }

  private long endOf(SimulatedRequest request, ModelQueuePolicy policy) {
    long micros = policy.getDefaultTimeoutMicroseconds();
    if (request.timeoutMicros > 0) {
      if (policy.getAllowTimeoutOverride() && request.timeoutMicros < micros) {
        used(Rule.SHORTER_TIMEOUT_ALLOWED);
        micros = request.timeoutMicros;
      } else {
        used(Rule.OWN_TIMEOUT_IGNORED);
      }
    }
    return micros == 0 ? Long.MAX_VALUE : request.came + micros * 1000;
  }

  /** Whether an arrival is a reason for an idle instance to decide anew. */
  boolean arrivalWakes() {
    int queued = waiting.stream().mapToInt(each -> each.rows).sum();
    if (queued >= wantedRows) {
      if (wantedRows > 1) {
        used(Rule.ROWS_WAKE);
      }
      return true;
    }
    boolean compares =
        config.getInputList().stream()
            .anyMatch(input -> comparesShape(input) || input.getOptional());
    if (queued > 0 && (compares || batching.getPriorityLevels() > 0)) {
      used(Rule.EVERY_ARRIVAL_WAKES);
      return true;
    }
    return false;
  }

  /** Those whom the last decision dropped. */
  List<Dropped> dropped() {
    return List.copyOf(dropped);
  }

  /** Drops everybody who may not run any more. */
  void sweep(long now) {
    dropped.clear();
    for (SimulatedRequest each : inOrder(_ -> true)) {
      Fault fault = refusal(each, now);
      if (fault != null) {
        used(Rule.SWEPT_WHILE_ALL_ARE_BUSY);
        dropped.add(new Dropped(each, fault));
      }
    }
    dropped.forEach(each -> waiting.remove(each.request));
  }

  /** Decides for an idle instance; those who run or are dropped wait no more. */
  Verdict decide(long now) {
    dropped.clear();
    pending.clear();
    rows = 0;
    mark = 0;
    boolean sendNow = !walk(now);
    dropped.forEach(each -> waiting.remove(each.request));
    Verdict verdict = verdict(sendNow, now);
    wantedRows = verdict instanceof Verdict.Wait(_, int wanted) ? wanted : 1;
    return verdict;
  }

  private Verdict verdict(boolean sendNow, long now) {
    if (pending.isEmpty()) {
      used(Rule.NOTHING_LEFT);
      return new Verdict.Idle();
    }
    if (!joins) {
      used(Rule.ALONE_WITHOUT_BATCHING);
      return run(1);
    }
    long oldest = pending.stream().mapToLong(each -> each.came).min().orElseThrow();
    boolean over = delayNanos > 0 && now - oldest >= delayNanos;
    if (mark > 0 && !over) {
      used(Rule.MARK_GOES_BEFORE_THE_DELAY);
      return run(mark);
    }
    if (sendNow) {
      return run(pending.size());
    }
    if (rows >= preferred.getLast()) {
      used(Rule.LARGEST_PREFERRED_GOES_AT_ONCE);
      return run(pending.size());
    }
    if (over) {
      used(mark > 0 ? Rule.EXPIRED_TAKES_MORE_THAN_THE_MARK : Rule.DELAY_IS_OVER);
      return run(pending.size());
    }
    if (delayNanos == 0) {
      used(Rule.NO_DELAY_NO_WAIT);
      return run(pending.size());
    }
    return waiting(oldest + delayNanos);
  }

  private Verdict waiting(long delayEnds) {
    long until = delayEnds;
    for (SimulatedRequest each : pending) {
      until =
          Math.min(until, Math.min(each.late > 0 ? Long.MAX_VALUE : each.endsAt, each.deadline));
    }
    used(until < delayEnds ? Rule.WAITS_FOR_A_TIMEOUT : Rule.WAITS_FOR_THE_DELAY);
    int wanted =
        preferred.stream().filter(size -> size > rows).findFirst().orElse(config.getMaxBatchSize());
    return new Verdict.Wait(until, wanted);
  }

  private Verdict run(int count) {
    List<SimulatedRequest> batch = List.copyOf(pending.subList(0, count));
    waiting.removeAll(batch);
    if (batch.stream().anyMatch(each -> each.late > 0)) {
      used(Rule.DELAYED_RUNS_BEHIND_OTHERS);
    }
    if (batch.stream()
        .anyMatch(each -> waiting.stream().anyMatch(w -> w.id < each.id && w.late == 0))) {
      used(Rule.LOWER_LEVEL_FIRST);
    }
    return new Verdict.Run(batch);
  }

  /** Meets everybody in order; false when the batch must end before the last. */
  private boolean walk(long now) {
    for (long level : waiting.stream().map(each -> each.level).sorted().distinct().toList()) {
      if (!walk(now, each -> each.level == level && each.late == 0)
          || !walk(now, each -> each.level == level && each.late > 0)) {
        return false;
      }
    }
    return true;
  }

  private boolean walk(long now, Predicate<SimulatedRequest> some) {
    for (SimulatedRequest each : inOrder(some)) {
      Fault fault = refusal(each, now);
      if (fault != null) {
        dropped.add(new Dropped(each, fault));
      } else if (each.late == 0 && each.endsAt <= now) {
        used(Rule.EXPIRED_IS_DELAYED);
        each.late = ++lates;
      } else if (!accepts(each)) {
        return false;
      }
    }
    return true;
  }

  private List<SimulatedRequest> inOrder(Predicate<SimulatedRequest> some) {
    return waiting.stream()
        .filter(some)
        .sorted(
            Comparator.comparingLong((SimulatedRequest each) -> each.level)
                .thenComparingInt(each -> each.late))
        .toList();
  }

  private @Nullable Fault refusal(SimulatedRequest each, long now) {
    if (each.cancelled) {
      used(Rule.CANCELLED_IS_DROPPED);
      return Fault.CANCELLED;
    }
    if (each.deadline <= now) {
      used(Rule.DEADLINE_IS_KEPT);
      return Fault.DEADLINE_EXCEEDED;
    }
    if (each.endsAt <= now && policyOf(each.level).getTimeoutAction() == TimeoutAction.REJECT) {
      used(Rule.EXPIRED_IS_REJECTED);
      return Fault.QUEUE_TIMEOUT;
    }
    return null;
  }

  private boolean accepts(SimulatedRequest each) {
    if (!pending.isEmpty()) {
      if (mark == 0 && rows + each.rows > preferred.getLast()) {
        used(Rule.ENDS_BEFORE_THE_LARGEST_PREFERRED);
        mark = pending.size();
      }
      if (rows + each.rows > config.getMaxBatchSize()) {
        used(Rule.ENDS_AT_THE_MAXIMUM);
        return false;
      }
      if (!fit(pending.getFirst(), each)) {
        return false;
      }
    }
    pending.add(each);
    rows += each.rows;
    if (preferred.contains(rows)) {
      mark = pending.size();
    }
    return joins;
  }

  private static boolean comparesShape(ModelInput input) {
    return input.getIsShapeTensor()
        || (input.getDimsList().contains(-1L) && !input.getAllowRaggedBatch());
  }

  private boolean fit(SimulatedRequest first, SimulatedRequest each) {
    return config.getInputList().stream().allMatch(input -> fit(input, first, each));
  }

  private boolean fit(ModelInput input, SimulatedRequest first, SimulatedRequest each) {
    if (input.getOptional()) {
      if (first.bringsOptional != each.bringsOptional) {
        used(Rule.ENDS_AT_OTHER_INPUTS);
        return false;
      }
      if (!each.bringsOptional) {
        return true;
      }
    }
    if (input.getIsShapeTensor()) {
      if (first.steer != each.steer) {
        used(Rule.ENDS_AT_OTHER_CONTENT);
      }
      return first.steer == each.steer;
    }
    if (first.dim == each.dim) {
      return true;
    }
    used(comparesShape(input) ? Rule.ENDS_AT_ANOTHER_SHAPE : Rule.ANY_SHAPE_WHERE_RAGGED);
    return !comparesShape(input);
  }
}
