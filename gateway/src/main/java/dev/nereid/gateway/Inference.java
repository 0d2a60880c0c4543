package dev.nereid.gateway;

import dev.nereid.core.DataType;
import dev.nereid.core.Failure;
import dev.nereid.core.Fault;
import dev.nereid.core.InferRequest;
import dev.nereid.core.InferResponse;
import dev.nereid.core.Reply;
import dev.nereid.core.RequestedOutput;
import dev.nereid.core.Shape;
import dev.nereid.core.Tensor;
import dev.nereid.core.Timings;
import dev.nereid.http.HttpExchange;
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
  private static final Shape ONE = Shape.of(1);
  private static final Shape BATCH_OF_ONE = Shape.of(1, 1);

  private final GatewayCall call;
  private final ImageModel model;
  private final Consumer<List<Outcome>> whenAll;
  private final AtomicReferenceArray<Outcome> outcomes;
  private final AtomicInteger missing;

  private Inference(
      GatewayCall call, ImageModel model, int count, Consumer<List<Outcome>> whenAll) {
    this.call = call;
    this.model = model;
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
      ImageModel model,
      CallOptions options,
      List<Item> items,
      Consumer<List<Outcome>> whenAll) {
    new Inference(call, model, items.size(), whenAll).start(serving, options, items);
  }

  private void start(Serving serving, CallOptions options, List<Item> items) {
    HttpExchange exchange = call.exchange();
    List<RequestedOutput> outputs = model.task().requested();
    InferRequest.Call asked =
        new InferRequest.Call(
            model.name(),
            -1,
            exchange.requestId(),
            options.parameters(),
            outputs,
            options.lane().priority(),
            0,
            exchange.receivedNanos(),
            exchange.deadlineNanos());
    List<InferRequest> requests = new ArrayList<>(items.size());
    for (Item item : items) {
      switch (item) {
        case Item.Picture picture -> requests.add(request(asked, picture));
        case Item.Unreadable unreadable ->
            end(new Outcome.Failed(unreadable, unreadable.failure()));
      }
    }
    if (!requests.isEmpty()) {
      exchange.onCancel(() -> requests.forEach(InferRequest::cancel));
      serving.inferAll(requests);
    }
  }

  private InferRequest request(InferRequest.Call asked, Item.Picture picture) {
    Tensor tensor =
        new Tensor(
            model.input(),
            DataType.BYTES,
            model.batched() ? BATCH_OF_ONE : ONE,
            picture.lease(),
            picture.offset(),
            picture.length());
    Reply reply =
        new Reply() {
          @Override
          public void respond(InferResponse response) {
            end(new Outcome.Answered(picture, response));
          }

          @Override
          public void fail(Failure failure) {
            end(new Outcome.Failed(picture, failure));
          }
        };
    return new InferRequest(asked, List.of(tensor), List.of(picture.lease()), reply);
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
