package dev.nereid.server;

import dev.nereid.core.Failure;
import dev.nereid.core.Fault;
import dev.nereid.core.InferResponse;
import dev.nereid.core.Labelling;
import dev.nereid.core.Reply;
import dev.nereid.core.RequestedOutput;
import dev.nereid.core.Tensor;
import dev.nereid.core.Timings;
import dev.nereid.core.TraceSpan;
import dev.nereid.engine.Engine;
import dev.nereid.http.Compression;
import dev.nereid.http.ContentCoding;
import dev.nereid.http.HttpExchange;
import dev.nereid.http.ResponseHeaders;
import dev.nereid.protocol.Classification;
import dev.nereid.protocol.InferMessage;
import dev.nereid.protocol.JsonResponse;
import dev.nereid.protocol.JsonResponseWriter;
import dev.nereid.protocol.ResponseForm;
import dev.nereid.telemetry.ModelSpans;
import io.netty.buffer.ByteBuf;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Writes the answer of one inference to its exchange: at once and by the thread that brings it, or,
 * where that takes long, by a thread for codecs.
 */
final class HttpReply implements Reply {
  /** Fast: bodies are tensors, which hardly pack, and somebody waits. */
  private static final int PACKING_LEVEL = 1;

  private final HttpExchange exchange;
  private final ResponseForm form;
  private final List<RequestedOutput> requested;
  private final ContentCoding coding;
  private final Engine engine;
  private final CodecThreads codecs;
  private volatile @Nullable Labelling load;

  HttpReply(
      HttpExchange exchange,
      InferMessage message,
      ContentCoding coding,
      Engine engine,
      CodecThreads codecs) {
    this.exchange = exchange;
    this.form = message.form();
    this.requested = message.call().outputs();
    this.coding = coding;
    this.engine = engine;
    this.codecs = codecs;
  }

  @Override
  public void takenBy(Labelling now) {
    load = now;
  }

  @Override
  public void respond(InferResponse response) {
    if (!takesLong(response)) {
      write(response);
    } else if (!codecs.execute(() -> write(response))) {
      response.close();
      fail(Fault.NOT_READY.with("Server exiting"));
    }
  }

  @Override
  public void fail(Failure failure) {
    HttpAnswers.failure(exchange, failure);
  }

  private boolean takesLong(InferResponse response) {
    if (coding != ContentCoding.IDENTITY || Classification.isWanted(requested)) {
      return true;
    }
    long elements = 0;
    for (int i = 0; i < response.outputs().size(); i++) {
      Tensor output = response.outputs().get(i);
      if (!form.isBinary(output.name())) {
        elements += output.length() / Math.max(1, output.type().byteSize());
      }
    }
    return elements > HttpInference.SMALL_TEXT / 10;
  }

  private void write(InferResponse response) {
    try (response) {
      if (Classification.isWanted(requested)) {
        writeClasses(response);
      } else {
        send(response);
      }
    } catch (RuntimeException e) {
      HttpInference.answer(exchange, e);
    }
  }

  private void writeClasses(InferResponse response) {
    try (InferResponse classified = ClassAnswer.of(load, response, requested, engine.memory())) {
      send(classified);
    }
  }

  private void send(InferResponse response) {
    JsonResponse json = JsonResponseWriter.write(response, form);
    ResponseHeaders headers = headers(response, json);
    ByteBuf[] parts = parts(json);
    if (coding == ContentCoding.IDENTITY) {
      exchange.respond(200, headers, parts);
      return;
    }
    ByteBuf packed = Compression.pack(coding, PACKING_LEVEL, parts);
    exchange.respond(200, headers.with("Content-Encoding", coding.wireName()), packed);
  }

  private ResponseHeaders headers(InferResponse response, JsonResponse json) {
    ResponseHeaders headers = HttpAnswers.inference(json.textLength());
    Timings timings = response.timings();
    if (!timings.isKnown()) {
      return headers;
    }
    exchange.timings(timings);
    exchange.model(response.model(), response.version());
    TraceSpan span = exchange.span();
    if (span != null) {
      ModelSpans.add(span, response.model(), response.version(), timings);
    }
    long now = engine.ticker().nanos();
    return headers.withTiming(timings, now - timings.ended(), now - exchange.receivedNanos());
  }

  private static ByteBuf[] parts(JsonResponse json) {
    List<Tensor> blobs = json.blobs();
    ByteBuf[] parts = new ByteBuf[1 + blobs.size()];
    parts[0] = json.head();
    for (int i = 0; i < blobs.size(); i++) {
      Tensor blob = blobs.get(i);
      parts[i + 1] = blob.lease().buffer(blob.offset(), blob.length());
    }
    return parts;
  }
}
