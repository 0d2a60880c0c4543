package dev.nereid.scheduler;

import static org.assertj.core.api.Assertions.assertThat;

import dev.nereid.backend.Batch;
import dev.nereid.backend.Instance;
import dev.nereid.backend.Model;
import dev.nereid.backend.Placement;
import dev.nereid.backend.TestTensors;
import dev.nereid.config.proto.ModelConfig;
import dev.nereid.core.Failure;
import dev.nereid.core.FakeTicker;
import dev.nereid.core.Fault;
import dev.nereid.core.FaultException;
import dev.nereid.core.InferRequest;
import dev.nereid.core.InferResponse;
import dev.nereid.core.Lease;
import dev.nereid.core.MemoryPool;
import dev.nereid.core.Reply;
import dev.nereid.core.Shape;
import dev.nereid.core.Tensor;
import dev.nereid.scheduler.BatchRules.Rule;
import dev.nereid.scheduler.BatchRules.Verdict;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.PriorityQueue;
import java.util.Random;
import org.jspecify.annotations.Nullable;

/**
 * One model under one load, from event to event on a fake clock: arrivals, executions that end,
 * times that are over. The queue, the former and the runner are the scheduler's own; what its
 * threads do with them (an idle instance decides when it becomes idle, when an arrival is worth a
 * look, and when the time it was told is over) is done here, by one thread. After each event what
 * was decided and what was answered is what {@link BatchRules} say.
 */
final class BatchSimulation implements AutoCloseable {
  private static final Duration SWEEP_EVERY = Duration.ofMillis(20);

  private final Random random;
  private final ModelConfig config;
  private final FakeTicker ticker = new FakeTicker();
  private final MemoryPool pool = new MemoryPool(MemoryPool.Limits.DEFAULT);
  private final TestTensors tensors = new TestTensors(pool);
  private final BatchingPolicy policy;
  private final RequestQueue queue;
  private final BatchFormer former;
  private final BatchRunner runner;
  private final BatchRules rules;
  private final int instances;

  // by number
  private final List<SimulatedRequest> requests = new ArrayList<>();
  private final List<InferRequest> given = new ArrayList<>();

  private final PriorityQueue<Running> running =
      new PriorityQueue<>(Comparator.comparingLong(Running::endsAt));
  private final List<String> answered = new ArrayList<>();
  private final AnswerRules answers;
  private long sequence;
  private long wakeAt = Long.MAX_VALUE;

  /** An execution that ends then. */
  private record Running(long endsAt, List<Queued> batch, boolean fails) {}

  BatchSimulation(ModelConfig config, Random random, Map<Rule, Integer> used) {
    this.config = config;
    this.random = random;
    policy = BatchingPolicy.of(config);
    queue = new RequestQueue(policy);
    former = new BatchFormer(policy, queue, Compatibility.of(config));
    instances = 1 + random.nextInt(3);
    rules = new BatchRules(config, used);
    answers = new AnswerRules(config.getDynamicBatching().getPreserveOrdering(), rules);
    Model model =
        new Model() {
          @Override
          public Instance newInstance(Placement placement) {
            throw new IllegalStateException("instances: the simulation plays them");
          }

          @Override
          public void close() {}
        };
    var setup =
        new SchedulerSetup(
            config,
            1,
            model,
            List.of(new Placement("g", 0, -1)),
            pool,
            ticker,
            new ExecutionStatistics("m", 1));
    boolean ordered = policy.preserveOrdering();
    runner = new BatchRunner(setup, policy.maxBatchSize() > 0, ordered ? new AnswerOrder() : null);
  }

  /** Lets so many requests come, and everything come to its end. */
  void run(int count) {
    long nextArrival = now();
    long nextSweep = now() + SWEEP_EVERY.toNanos();
    for (int came = 0; came < count || !running.isEmpty() || !rules.waiting().isEmpty(); ) {
      long next = Math.min(came < count ? nextArrival : Long.MAX_VALUE, nextSweep);
      next = Math.min(next, running.isEmpty() ? Long.MAX_VALUE : running.peek().endsAt);
      ticker.advance(Duration.ofNanos(Math.max(0, Math.min(next, wakeAt) - now())));
      boolean wakes = wakeAt <= now();
      wakes |= endExecutions();
      if (came < count && nextArrival <= now()) {
        wakes |= arrive(came++);
        nextArrival = now() + (long) (random.nextExponential() * 700_000);
      }
      if (nextSweep <= now()) {
        sweep();
        nextSweep += SWEEP_EVERY.toNanos();
      }
      if (wakes && running.size() < instances) {
        wakeAt = Long.MAX_VALUE;
        decide();
      }
      assertNobodyWaitsInVain();
      assertThat(answered).isEqualTo(answers.left());
    }
    assertThat(answers.held()).as("answers that never left").isZero();
    assertThat(pool.openLeases()).isZero();
  }

  private long now() {
    return ticker.nanos();
  }

  private SimulatedRequest known(InferRequest request) {
    return requests.get(Integer.parseInt(request.call().id()));
  }

  private boolean endExecutions() {
    boolean ended = false;
    while (!running.isEmpty() && running.peek().endsAt <= now()) {
      Running run = running.poll();
      run.batch.forEach(each -> answers.ready(known(each.request), faultOf(run, each)));
      runner.run(batch -> execute(batch, run.fails), run.batch);
      ended = true;
    }
    return ended;
  }

  private @Nullable Fault faultOf(Running run, Queued each) {
    if (run.fails) {
      rules.used(Rule.BATCH_FAILS_TOGETHER);
      return Fault.BACKEND_FAILED;
    }
    if (known(each.request).spoilt) {
      rules.used(Rule.ONE_FAILS_ALONE);
      return Fault.INVALID_ARGUMENT;
    }
    return null;
  }

  /** Gives inputs back as outputs, joined and split as a real back end would. */
  private void execute(Batch batch, boolean fails) {
    for (int i = 0; i < batch.requests().size(); i++) {
      if (known(batch.requests().get(i)).spoilt && !fails) {
        batch.fail(i, Fault.INVALID_ARGUMENT.with("this request's data is no good"));
      }
    }
    if (fails) {
      throw FaultException.of(Fault.BACKEND_FAILED, "this execution fails");
    }
    boolean ragged = config.getInput(0).getAllowRaggedBatch() && policy.maxBatchSize() > 0;
    Tensor joined = ragged ? batch.gatherRagged("INPUT0") : batch.gather("INPUT0");
    Lease lease = pool.copyOf(TestTensors.rawOf(joined));
    Tensor output = new Tensor("OUTPUT0", joined.type(), joined.shape(), lease, 0, joined.length());
    if (ragged) {
      batch.scatterRagged(output, lease, "INPUT0");
    } else {
      batch.scatter(output, lease);
    }
  }

  /** Whether what came is a reason to look. */
  private boolean arrive(int id) {
    SimulatedRequest request = draw(id);
    InferRequest real = real(request);
    requests.add(request);
    given.add(real);
    long level = policy.levelOf(request.priority);
    long timeout = policy.queueOf(level).timeoutAt(now(), request.timeoutMicros);
    var queued = new Queued(real, request.rows, level, now(), timeout, sequence);
    boolean taken = rules.arrives(request);
    assertThat(queue.add(queued)).as("%s is taken", request).isEqualTo(taken);
    if (taken) {
      answers.expects(request);
      sequence++;
      if (running.size() == instances) {
        rules.used(Rule.QUEUE_GROWS_WHILE_BUSY);
      }
    } else {
      answers.refused(request);
      real.fail(Fault.OVERLOADED.with("Exceeds maximum queue size"));
    }
    if (random.nextInt(20) == 0 && !rules.waiting().isEmpty()) {
      SimulatedRequest one = rules.waiting().get(random.nextInt(rules.waiting().size()));
      one.cancelled = true;
      given.get(one.id).cancel();
    }
    boolean wakes = rules.arrivalWakes();
    assertThat(former.isWorthALook()).as("%s wakes", request).isEqualTo(wakes);
    return wakes;
  }

  private SimulatedRequest draw(int id) {
    int rows = 1 + random.nextInt(Math.max(1, policy.maxBatchSize() / 3));
    if (policy.maxBatchSize() > 0 && random.nextInt(20) == 0) {
      rows = 1 + random.nextInt(policy.maxBatchSize());
    }
    boolean varies = config.getInput(0).getDims(0) == -1;
    boolean optional = config.getInputList().stream().anyMatch(input -> input.getOptional());
    boolean steered = config.getInputList().stream().anyMatch(input -> input.getIsShapeTensor());
    var data =
        new SimulatedRequest.Data(
            policy.maxBatchSize() > 0 ? rows : 1,
            varies && random.nextInt(4) == 0 ? 3 : 2,
            optional && random.nextInt(4) > 0,
            steered ? 1 + random.nextInt(4) / 3 : 0,
            random.nextInt(25) == 0);
    long priority = random.nextInt(30) == 0 ? InferRequest.LAST_PRIORITY : random.nextInt(5);
    long deadline =
        random.nextInt(12) == 0 ? now() + 1_000_000L * random.nextInt(1, 9) : Long.MAX_VALUE;
    long timeoutMicros = random.nextInt(3) == 0 ? random.nextInt(100, 9_000) : 0;
    return new SimulatedRequest(id, data, priority, timeoutMicros, now(), deadline);
  }

  private InferRequest real(SimulatedRequest request) {
    List<Tensor> inputs = new ArrayList<>();
    Shape shape =
        policy.maxBatchSize() > 0 ? Shape.of(request.rows, request.dim) : Shape.of(request.dim);
    float[] values = new float[request.rows * request.dim];
    Arrays.fill(values, request.id);
    inputs.add(tensors.floats("INPUT0", shape, values));
    if (request.bringsOptional) {
      inputs.add(tensors.floats("INPUT1", shape, values));
    }
    if (request.steer > 0) {
      inputs.add(tensors.ints("STEER", Shape.of(1), request.steer));
    }
    var call =
        new InferRequest.Call(
            "m",
            -1,
            Integer.toString(request.id),
            Map.of(),
            List.of(),
            request.priority,
            request.timeoutMicros,
            now(),
            request.deadline);
    return TestTensors.request(call, new Answer(request), inputs.toArray(Tensor[]::new));
  }

  private void sweep() {
    rules.sweep(now());
    assertDropped(queue.sweep(now()));
  }

  /** Lets every idle instance take what it may, one after another as the threads do. */
  private void decide() {
    while (running.size() < instances) {
      Verdict verdict = rules.decide(now());
      List<RequestQueue.Dropped> dropped = new ArrayList<>();
      BatchFormer.Decision decision = former.next(now(), dropped);
      assertDropped(dropped);
      switch (verdict) {
        case Verdict.Run(List<SimulatedRequest> batch) -> {
          assertThat(decision).isInstanceOf(BatchFormer.Decision.Run.class);
          List<Queued> real = ((BatchFormer.Decision.Run) decision).requests();
          assertThat(real.stream().map(each -> known(each.request)).toList()).isEqualTo(batch);
          long takes = 1 + (long) (random.nextExponential() * 1_500_000);
          running.add(new Running(now() + takes, real, random.nextInt(25) == 0));
          if (queue.count() == 0) {
            return;
          }
        }
        case Verdict.Wait(long until, int rows) -> {
          assertThat(decision).isEqualTo(new BatchFormer.Decision.Wait(until - now(), rows));
          wakeAt = until;
          return;
        }
        case Verdict.Idle() -> {
          assertThat(decision).isInstanceOf(BatchFormer.Decision.Idle.class);
          return;
        }
      }
    }
  }

  private void assertDropped(List<RequestQueue.Dropped> dropped) {
    assertThat(
            dropped.stream()
                .map(
                    each ->
                        new BatchRules.Dropped(
                            known(each.queued().request), each.failure().fault()))
                .toList())
        .isEqualTo(rules.dropped());
    for (RequestQueue.Dropped each : dropped) {
      answers.ready(known(each.queued().request), each.failure().fault());
      runner.refuse(each.queued(), each.failure());
    }
  }

  /**
   * What all the rules come to: while an instance is idle nobody who may run waits longer than the
   * delay, and without a delay not at all.
   */
  private void assertNobodyWaitsInVain() {
    if (running.size() == instances) {
      return;
    }
    for (SimulatedRequest each : rules.waiting()) {
      boolean mayRun = !each.cancelled && each.deadline > now();
      mayRun &= each.late > 0 || each.endsAt > now();
      assertThat(mayRun && now() - each.came >= policy.maxDelayNanos())
          .as("%s waits beside an idle instance", each)
          .isFalse();
    }
  }

  /** Remembers what its request is told, and that the outputs are its own. */
  private final class Answer implements Reply {
    private final SimulatedRequest request;

    Answer(SimulatedRequest request) {
      this.request = request;
    }

    @Override
    public void respond(InferResponse response) {
      try (response) {
        float[] values = TestTensors.floatsOf(response.outputs().getFirst());
        assertThat(values).hasSize(request.rows * request.dim).containsOnly(request.id);
      }
      answered.add(request.id + " ok");
    }

    @Override
    public void fail(Failure failure) {
      answered.add(request.id + " " + failure.fault());
    }
  }

  @Override
  public void close() {
    pool.close();
  }
}
