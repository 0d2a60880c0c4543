package dev.nereid.backend;

import dev.nereid.config.proto.ModelConfig;
import dev.nereid.config.proto.ModelParameter;
import dev.nereid.core.Fault;
import dev.nereid.core.FaultException;
import dev.nereid.core.InferRequest;
import dev.nereid.core.Lease;
import dev.nereid.core.Shape;
import dev.nereid.core.Tensor;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;

/**
 * The back end {@code delay}, for tests of servers and clients: {@code identity} that takes its
 * time and fails when told to. Parameters of the configuration:
 *
 * <ul>
 *   <li>{@code delay_ms}: how long an execution takes; a request's parameter of that name wins, the
 *       longest of a batch counts. The wait ends early when every caller has withdrawn.
 *   <li>{@code fail_every}: every n-th request of the model fails, alone.
 *   <li>{@code throw_every}: every n-th execution throws, which fails its whole batch.
 *   <li>{@code wrong_shape}: {@code true} answers with one row too many.
 * </ul>
 */
public final class DelayProvider implements BackendProvider {
  /** How long a withdrawn execution may go on. */
  private static final Duration CANCEL_POLL = Duration.ofMillis(1);

  @Override
  public String name() {
    return "delay";
  }

  @Override
  public Model open(ModelContext context) {
    return new DelayModel(context.config());
  }

  private static final class DelayModel implements Model {
    private static final ModelParameter ABSENT = ModelParameter.getDefaultInstance();

    private final List<IdentityProvider.Pair> pairs;
    private final long delayMillis;
    private final long failEvery;
    private final long throwEvery;
    private final boolean wrongShape;
    private final AtomicLong requests = new AtomicLong();
    private final AtomicLong executions = new AtomicLong();

    DelayModel(ModelConfig config) {
      pairs = IdentityProvider.pairs(config);
      delayMillis = number(config, "delay_ms");
      failEvery = number(config, "fail_every");
      throwEvery = number(config, "throw_every");
      wrongShape =
          config.getParametersOrDefault("wrong_shape", ABSENT).getStringValue().equals("true");
    }

    private static long number(ModelConfig config, String key) {
      String text = config.getParametersOrDefault(key, ABSENT).getStringValue();
      try {
        return text.isEmpty() ? 0 : Long.parseLong(text);
      } catch (NumberFormatException e) {
        throw new FaultException(
            Fault.INVALID_ARGUMENT.with(
                "parameters." + key + ": '" + text + "' (expected: a whole number)"),
            e);
      }
    }

    @Override
    public Instance newInstance(Placement placement) {
      return this::execute;
    }

    private void execute(Batch batch) {
      pause(batch);
      if (throwEvery > 0 && executions.incrementAndGet() % throwEvery == 0) {
        throw new IllegalStateException("delay: told to throw by parameter throw_every");
      }
      if (wrongShape) {
        answerOneRowTooMany(batch);
        return;
      }
      for (int i = 0; i < batch.requests().size(); i++) {
        if (failEvery > 0 && requests.incrementAndGet() % failEvery == 0) {
          batch.fail(i, Fault.BACKEND_FAILED.with("delay: told to fail by parameter fail_every"));
        }
      }
      IdentityProvider.echo(batch, pairs);
    }

    private void pause(Batch batch) {
      long millis = 0;
      for (InferRequest request : batch.requests()) {
        Object own = request.call().parameters().get("delay_ms");
        millis = Math.max(millis, own instanceof Number number ? number.longValue() : delayMillis);
      }
      long end = System.nanoTime() + Duration.ofMillis(millis).toNanos();
      for (long left = end - System.nanoTime(); left > 0; left = end - System.nanoTime()) {
        if (batch.isCancelled() || Thread.currentThread().isInterrupted()) {
          return;
        }
        LockSupport.parkNanos(this, Math.min(left, CANCEL_POLL.toNanos()));
      }
    }

    private void answerOneRowTooMany(Batch batch) {
      for (IdentityProvider.Pair pair : pairs) {
        Tensor input = batch.gather(pair.input());
        Shape shape = Shape.of(batch.size() + 1L);
        int bytes = (batch.size() + 1) * Math.max(1, input.type().byteSize());
        Lease lease = batch.memory().take(bytes);
        batch.scatter(new Tensor(pair.output(), input.type(), shape, lease, 0, bytes), lease);
      }
    }

    @Override
    public String summary() {
      return "test back end, delay_ms=" + delayMillis;
    }

    @Override
    public void close() {}
  }
}
