package dev.nereid.gateway;

import dev.nereid.core.Failure;
import dev.nereid.core.Fault;
import dev.nereid.core.InferRequest;
import dev.nereid.core.InferResponse;
import dev.nereid.core.Reply;
import dev.nereid.core.Timings;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReferenceArray;

/**
 * Sends the pictures of one request through a model, each as an inference of its own so that the
 * model's queue can batch them with everybody's, and gathers what becomes of them. Where nobody
 * takes one of them after all, another model that stands in gets all of them: the results of one
 * request are of one model.
 */
final class Inference {
  private final GatewayCall call;
  private final Route route;
  private final PictureCall asked;
  private final WhenAll whenAll;
  private final List<Item> spare; // pictures for the model that stands in
  private final AtomicReferenceArray<Outcome> outcomes;
  private final AtomicInteger missing;

  /** Is told of the end. */
  interface WhenAll {
    /**
     * Takes one outcome to each item, in their order, on any thread.
     *
     * @param model that was asked
     * @param outcomes whose answers are closed after this returns
     */
    void accept(ImageModel model, List<Outcome> outcomes);
  }

  private Inference(
      GatewayCall call, Route route, PictureCall asked, List<Item> items, WhenAll whenAll) {
    this.call = call;
    this.route = route;
    this.asked = asked;
    this.whenAll = whenAll;
    spare = route.standIn() == null ? List.of() : items.stream().map(Inference::share).toList();
    outcomes = new AtomicReferenceArray<>(items.size());
    missing = new AtomicInteger(items.size());
  }

  private static Item share(Item item) {
    return item instanceof Item.Picture picture ? picture.share() : item;
  }

  /** Starts. */
  static void start(
      GatewayCall call, Route route, CallOptions options, List<Item> items, WhenAll whenAll) {
    PictureCall asked = PictureCall.of(call.exchange(), route.model(), options);
    new Inference(call, route, asked, items, whenAll).start(items);
  }

  private void start(List<Item> items) {
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
      route.serving().inferAll(requests);
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
    Route other = route.standIn();
    if (other != null && all.stream().anyMatch(Inference::isUnserved) && !call.isLate()) {
      close(all);
      new Inference(call, other, asked.of(other.model()), spare, whenAll).start(spare);
      return;
    }
    try {
      call.cached(ResultSource.of(all));
      if (call.isLate()) {
        call.fail(Fault.DEADLINE_EXCEEDED.with("the answer came after the deadline"));
      } else {
        whenAll.accept(route.model(), all);
      }
    } catch (RuntimeException e) {
      call.fail(e);
    } finally {
      close(all);
      new Upload(spare, Map.of()).close();
    }
  }

  private static boolean isUnserved(Outcome outcome) {
    return outcome instanceof Outcome.Failed failed && Route.isUnserved(failed.failure());
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
