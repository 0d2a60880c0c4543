package dev.nereid.gateway;

import dev.nereid.core.DataType;
import dev.nereid.core.InferRequest;
import dev.nereid.core.Lease;
import dev.nereid.core.Reply;
import dev.nereid.core.Shape;
import dev.nereid.core.Tensor;
import dev.nereid.core.TraceSpan;
import dev.nereid.http.HttpExchange;
import java.util.List;

/** What a client's request asks of a model, of each of its pictures. */
record PictureCall(ImageModel model, InferRequest.Call call) {
  /** Pictures of one request that its trace tells of; those behind them are left out. */
  private static final int TRACED = 16;

  private static final Shape ONE = Shape.of(1);
  private static final Shape BATCH_OF_ONE = Shape.of(1, 1);

  static PictureCall of(HttpExchange exchange, ImageModel model, CallOptions options) {
    return new PictureCall(
        model,
        new InferRequest.Call(
            model.name(),
            model.version(),
            exchange.requestId(),
            options.parameters(),
            model.task().requested(),
            options.lane().priority(),
            0,
            exchange.receivedNanos(),
            exchange.deadlineNanos(),
            exchange.span()));
  }

  /** The same of another model. */
  PictureCall of(ImageModel other) {
    return new PictureCall(other, call.step(other.name(), other.version(), other.task().outputs()));
  }

  /** The inference for one picture, whose lease it takes over. */
  InferRequest request(Item.Picture picture, Reply reply) {
    Tensor tensor =
        new Tensor(
            model.input(),
            DataType.BYTES,
            model.batched() ? BATCH_OF_ONE : ONE,
            picture.lease(),
            picture.offset(),
            picture.length());
    List<Tensor> inputs = List.of(tensor);
    List<Lease> leases = List.of(picture.lease());
    TraceSpan request = call.span();
    if (request == null) {
      return new InferRequest(call, inputs, leases, reply);
    }
    if (picture.index() >= TRACED) {
      return new InferRequest(call.under(request.unrecorded()), inputs, leases, reply);
    }
    TracedReply traced = new TracedReply(request.child(call.model()), call, picture, reply);
    return new InferRequest(call.under(traced.span()), inputs, leases, traced);
  }
}
