package dev.nereid.gateway;

import dev.nereid.core.Failure;
import dev.nereid.core.InferRequest;
import dev.nereid.core.InferResponse;
import dev.nereid.core.Labelling;
import dev.nereid.core.Reply;
import dev.nereid.core.TraceSpan;
import dev.nereid.telemetry.ModelSpans;
import java.util.Locale;

/** Passes the outcome for one picture on, and tells the trace of it. */
final class TracedReply implements Reply {
  private final TraceSpan span;
  private final Reply reply;

  /**
   * Tells of an inference that begins.
   *
   * @param span that stands for it
   */
  TracedReply(TraceSpan span, InferRequest.Call call, Item.Picture picture, Reply reply) {
    this.span = span;
    this.reply = reply;
    ModelSpans.name(span, call.model(), call.version());
    if (span.isRecorded()) {
      span.tell("nereid.picture", picture.index());
      span.tell("nereid.picture.size", picture.length());
    }
  }

  TraceSpan span() {
    return span;
  }

  @Override
  public void respond(InferResponse response) {
    ModelSpans.name(span, response.model(), response.version());
    ModelSpans.phases(span, response.timings());
    span.end();
    reply.respond(response);
  }

  @Override
  public void fail(Failure failure) {
    span.fail(failure.fault().name().toLowerCase(Locale.ROOT), failure.message());
    span.end();
    reply.fail(failure);
  }

  @Override
  public void takenBy(Labelling load) {
    reply.takenBy(load);
  }

  @Override
  public void flush() {
    reply.flush();
  }

  @Override
  public Object group() {
    return reply.group();
  }
}
