package dev.nereid.gateway;

import dev.nereid.core.Failure;
import dev.nereid.core.Fault;
import dev.nereid.core.InferRequest;
import dev.nereid.core.InferResponse;
import dev.nereid.core.Reply;
import dev.nereid.core.Timings;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReferenceArray;
import java.util.function.Consumer;

/**
 * Sends the pictures of one request through a model, each as an inference of its own so that the
 * model's queue can batch them with everybody's, and gathers what becomes of them.
 */
final class Inference {
  private final GatewayCall call;
  private final Consumer<List<Outcome>> whenAll;
  private final AtomicReferenceArray<Outcome> outcomes;
  private final AtomicInteger missing;

  private Inference(GatewayCall call, int count, Consumer<List<Outcome>> whenAll) {
    this.call = call;
    this.whenAll = whenAll;
    this.outcomes = new AtomicReferenceArray<>(count);
    this.missing = new AtomicInteger(count);
  }

  /**
   * Starts.
   *
   * @param whenAll is told one outcome to each item, in their order, on any thread; its answers are
   *     closed after it returns
   */
  static void start(
      Serving serving,
      GatewayCall call,
      PictureCall asked,
      List<Item> items,
      Consumer<List<Outcome>> whenAll) {
    new Inference(call, items.size(), whenAll).start(serving, asked, items);
  }

  private void start(Serving serving, PictureCall asked, List<Item> items) {
    List<InferRequest> requests = new ArrayList<>(items.size());
    for (Item item : items) {
      switch (item) {
        case Item.Picture picture -> requests.add(asked.request(picture, reply(picture)));
        case Item.Unreadable unreadable ->
            end(new Outcome.Failed(unreadable, unreadable.failure()));
      }
    }
    if (!requests.isEmpty()) {
      call.exchange().onCancel(() -> requests.forEach(InferRequest::cancel));
      serving.inferAll(requests);
    }
  }

  private Reply reply(Item.Picture picture) {
    return new Reply() {
      @Override
      public void respond(InferResponse response) {
        call.answered(response);
        end(new Outcome.Answered(picture, response));
      }

      @Override
      public void fail(Failure failure) {
        end(new Outcome.Failed(picture, failure));
      }
    };
  }

  private void end(Outcome outcome) {
    outcomes.set(outcome.item().index(), outcome);
    if (missing.decrementAndGet() > 0) {
      return;
    }
    List<Outcome> all = new ArrayList<>(outcomes.length());
    for (int i = 0; i < outcomes.length(); i++) {
      all.add(outcomes.get(i));
    }
    try {
      call.cached(ResultSource.of(all));
      if (call.isLate()) {
        call.fail(Fault.DEADLINE_EXCEEDED.with("the answer came after the deadline"));
      } else {
        whenAll.accept(all);
      }
    } catch (RuntimeException e) {
      call.fail(e);
    } finally {
      close(all);
    }
  }

  private static void close(List<Outcome> outcomes) {
    for (Outcome outcome : outcomes) {
      if (outcome instanceof Outcome.Answered answered) {
        answered.response().close();
      }
    }
  }

  /** The timings of the slowest answer; NONE when there is none. */
  static Timings timings(List<Outcome> outcomes) {
    Timings latest = Timings.NONE;
    for (Outcome outcome : outcomes) {
      if (outcome instanceof Outcome.Answered answered) {
        Timings timings = answered.response().timings();
        if (!latest.isKnown() || timings.ended() - latest.ended() > 0) {
          latest = timings;
        }
      }
    }
    return latest;
  }
}
