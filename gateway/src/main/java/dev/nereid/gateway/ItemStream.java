package dev.nereid.gateway;

import dev.nereid.core.Failure;
import dev.nereid.core.Fault;
import dev.nereid.core.InferRequest;
import dev.nereid.core.InferResponse;
import dev.nereid.core.Reply;
import dev.nereid.core.Timings;
import dev.nereid.http.BodySource;
import io.netty.buffer.ByteBuf;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import tools.jackson.core.JsonGenerator;

/** The results for the pictures of one request, each sent when it is there, and a summary. */
final class ItemStream implements BodySource {
  /*
   * Ownership. A picture's lease is the stream's until its inference begins. A result is written as
   * text by the thread that brings it; from then on only the text is kept.
   * Order. Results come as they end, each with the index of its picture; the summary comes last.
   * Backpressure. At most WINDOW pictures are in flight or wait as text. The next one begins when
   * the connection has taken a text: a client that stops reading stops the inference.
   * Shutdown. When the client leaves, what runs is cancelled, and what has not begun never does.
   */
  private static final Logger LOG = LoggerFactory.getLogger(ItemStream.class);

  /** Pictures in flight at most, of one request. */
  static final int WINDOW = 64;

  private final GatewayCall call;
  private final Asked first;
  private final @Nullable Asked standIn; // of pictures that nobody takes for the first
  private final StreamFraming framing;
  private final List<Item> items;
  private final @Nullable InferRequest[] running; // guarded by lock, as all below
  private final Queue<ByteBuf> ready = new ArrayDeque<>();
  private final ReentrantLock lock = new ReentrantLock();
  private int begun;
  private int taken;
  private int failed;
  private Timings latest = Timings.NONE;
  private boolean ended;
  private boolean closed;

  /**
   * Who is asked, what, and how the answers are written.
   *
   * @param standsIn whether in another's place
   */
  private record Asked(
      Serving serving, PictureCall pictures, Rendering rendering, boolean standsIn) {
    static Asked of(GatewayCall call, Route route, CallOptions options, boolean standsIn) {
      return new Asked(
          route.serving(),
          PictureCall.of(call.exchange(), route.model(), options),
          new Rendering(route.model(), options.maxDetections()),
          standsIn);
    }
  }

  private ItemStream(
      GatewayCall call, Route route, CallOptions options, StreamFraming framing, List<Item> items) {
    this.call = call;
    this.framing = framing;
    this.items = items;
    first = Asked.of(call, route, options, false);
    Route other = route.standIn();
    standIn = other == null ? null : Asked.of(call, other, options, true);
    running = new InferRequest[items.size()];
  }

  /** Answers a call with the results for these pictures, one by one. */
  static void start(
      GatewayCall call, Route route, CallOptions options, StreamFraming framing, List<Item> items) {
    ItemStream stream = new ItemStream(call, route, options, framing, items);
    call.stream(framing.headers(), stream);
    stream.begin();
    call.exchange().more(); // pictures that cannot be read have results already
  }

  /** Begins as many pictures as the window has room for. */
  private void begin() {
    List<InferRequest> requests = new ArrayList<>();
    lock.lock();
    try {
      while (!closed && begun < items.size() && begun - taken < WINDOW) {
        switch (items.get(begun++)) {
          case Item.Picture picture -> {
            Item.Picture spare = standIn == null ? null : picture.share();
            InferRequest request =
                first.pictures.request(
                    picture, new ItemReply(first, picture, spare, call.sampleOf(picture)));
            running[picture.index()] = request;
            requests.add(request);
          }
          case Item.Unreadable unreadable -> {
            failed++;
            ready.add(failure(unreadable, unreadable.failure()));
          }
        }
      }
    } finally {
      lock.unlock();
    }
    if (!requests.isEmpty()) {
      first.serving.inferAll(requests);
    }
  }

  /** Asks the model that stands in for a picture, unless the client has left. */
  private void ask(Asked other, Item.Picture picture, PayloadSamples.@Nullable Sample sample) {
    InferRequest request =
        other.pictures.request(picture, new ItemReply(other, picture, null, sample));
    boolean late;
    lock.lock();
    try {
      late = closed;
      running[picture.index()] = late ? null : request;
    } finally {
      lock.unlock();
    }
    if (late) {
      request.fail(Fault.CANCELLED.with("the caller withdrew"));
    } else {
      other.serving.inferAll(List.of(request));
    }
  }

  @Override
  public @Nullable ByteBuf next() {
    ByteBuf piece;
    boolean more;
    lock.lock();
    try {
      piece = ready.poll();
      if (piece != null) {
        taken++;
      } else if (taken == items.size() && !ended) {
        ended = true;
        call.exchange().timings(latest);
        piece = framing.frame("summary", this::summary);
      }
      more = piece != null && begun < items.size();
    } finally {
      lock.unlock();
    }
    if (more) {
      begin();
    }
    return piece;
  }

  @Override
  public boolean isEnded() {
    lock.lock();
    try {
      return ended;
    } finally {
      lock.unlock();
    }
  }

  @Override
  public void close() {
    boolean whole;
    lock.lock();
    try {
      closed = true;
      whole = ended;
      ready.forEach(ByteBuf::release);
      ready.clear();
      for (InferRequest request : running) {
        if (request != null) {
          request.cancel();
        }
      }
      for (; begun < items.size(); begun++) {
        if (items.get(begun) instanceof Item.Picture picture) {
          picture.lease().close();
        }
      }
    } finally {
      lock.unlock();
    }
    call.streamed(whole);
  }

  private void end(Item.Picture picture, ByteBuf piece, boolean answered, Timings timings) {
    lock.lock();
    try {
      running[picture.index()] = null;
      if (closed) {
        piece.release();
        return;
      }
      failed += answered ? 0 : 1;
      if (timings.isKnown() && (!latest.isKnown() || timings.ended() - latest.ended() > 0)) {
        latest = timings;
      }
      ready.add(piece);
    } finally {
      lock.unlock();
    }
    call.exchange().more();
  }

  private ByteBuf failure(Item item, Failure failure) {
    return framing.frame("result", json -> BatchRendering.failed(json, item, failure));
  }

  private void summary(JsonGenerator json) {
    json.writeObjectPropertyStart("summary");
    BatchRendering.counts(json, items.size(), failed);
    json.writeStringProperty("status", failed < items.size() ? "success" : "all_failed");
    first.rendering.about(json);
    json.writeNumberProperty("total_time_ms", JsonReply.millis(call.elapsedNanos()));
    json.writeEndObject();
  }

  private final class ItemReply implements Reply {
    private final Asked asked;
    private final Item.Picture picture;
    private final Item.@Nullable Picture spare;
    private final PayloadSamples.@Nullable Sample sample;

    /**
     * Of a picture.
     *
     * @param spare the same for the model that stands in; null where none may
     */
    ItemReply(
        Asked asked,
        Item.Picture picture,
        Item.@Nullable Picture spare,
        PayloadSamples.@Nullable Sample sample) {
      this.asked = asked;
      this.picture = picture;
      this.spare = spare;
      this.sample = sample;
    }

    private void write(JsonGenerator json, InferResponse response) {
      BatchRendering.answered(json, asked.rendering, picture, response);
      if (asked.standsIn) {
        json.writeStringProperty("answered_by", asked.pictures.model().name());
      }
    }

    private void drop() {
      if (spare != null) {
        spare.lease().close();
      }
    }

    @Override
    public void respond(InferResponse response) {
      call.answered(response);
      try (response) {
        if (call.isLate()) {
          fail(Fault.DEADLINE_EXCEEDED.with("the answer came after the deadline"));
          return;
        }
        ByteBuf piece = framing.frame("result", json -> write(json, response));
        if (sample != null) {
          sample.answered(200, json -> write(json, response));
        }
        drop();
        end(picture, piece, true, response.timings());
      } catch (RuntimeException e) {
        LOG.error("picture {}: no result can be made of the answer", picture.index(), e);
        fail(Fault.INTERNAL.with("the server failed on this picture"));
      }
    }

    @Override
    public void fail(Failure failure) {
      if (standIn != null && spare != null && Route.isUnserved(failure) && !call.isLate()) {
        ask(standIn, spare, sample);
        return;
      }
      drop();
      if (sample != null) {
        sample.answered(
            GatewayErrors.status(failure.fault()),
            json -> BatchRendering.failed(json, picture, failure));
      }
      end(picture, failure(picture, failure), false, Timings.NONE);
    }
  }
}
