package dev.nereid.server;

import dev.nereid.core.InferRequest;
import dev.nereid.engine.Engine;
import io.netty.util.concurrent.EventExecutor;
import io.netty.util.concurrent.EventExecutorGroup;
import io.netty.util.concurrent.FastThreadLocal;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What one event loop hands over together: the requests it reads in one turn, on their way to the
 * queues of their models, and the answers of one batch, on their way to their connections.
 *
 * <p>Both save the wake-ups that are the main cost of a small request: an instance is woken once
 * for a turn, and finds a batch; the loop is woken once for a batch, and writes once.
 *
 * <p><b>Threading.</b> Requests are added by the loop itself, answers by any thread.
 */
final class LoopBatches {
  /** A turn's requests are handed over at this number at the latest, so that instances are fed. */
  private static final int MOST_REQUESTS = 32;

  private static final Logger LOG = LoggerFactory.getLogger(LoopBatches.class);

  private final Engine engine;
  private final EventExecutor loop;
  private List<InferRequest> arrived = new ArrayList<>(); // confined: loop
  private final Queue<Runnable> answers = new ConcurrentLinkedQueue<>();
  private final AtomicBoolean sending = new AtomicBoolean();

  private LoopBatches(Engine engine, EventExecutor loop) {
    this.engine = engine;
    this.loop = loop;
  }

  /** Finds the batches of the loop that asks. Thread-safe. */
  static final class OfLoops {
    private final FastThreadLocal<@Nullable LoopBatches> current;

    OfLoops(Engine engine, EventExecutorGroup loops) {
      current =
          new FastThreadLocal<>() {
            @Override
            protected @Nullable LoopBatches initialValue() {
              for (EventExecutor loop : loops) {
                if (loop.inEventLoop()) {
                  return new LoopBatches(engine, loop);
                }
              }
              return null;
            }
          };
    }

    /** The batches of this thread; null when it is no event loop. */
    @Nullable LoopBatches current() {
      return current.get();
    }
  }

  /** Takes a request over; it is in its model's queue when the loop's turn ends. */
  void infer(InferRequest request) {
    arrived.add(request);
    if (arrived.size() == 1) {
      loop.execute(this::handOver);
    } else if (arrived.size() >= MOST_REQUESTS) {
      handOver();
    }
  }

  private void handOver() {
    if (!arrived.isEmpty()) {
      List<InferRequest> requests = arrived;
      arrived = new ArrayList<>(requests.size());
      engine.inferInline(requests);
    }
  }

  /** Holds an answer, to be sent by the loop after {@link #flush}. */
  void hold(Runnable answer) {
    answers.add(answer);
  }

  /** Has the loop send what is held. */
  void flush() {
    if (answers.isEmpty() || !sending.compareAndSet(false, true)) {
      return;
    }
    try {
      loop.execute(this::send);
    } catch (RejectedExecutionException e) {
      send(); // the loop has ended: answers still free what they hold
    }
  }

  private void send() {
    sending.set(false);
    for (Runnable answer = answers.poll(); answer != null; answer = answers.poll()) {
      try {
        answer.run();
      } catch (RuntimeException | Error e) { // the answers behind it are those of others
        LOG.error("an answer could not be sent", e);
      }
    }
  }
}
