package dev.nereid.bench;

import dev.nereid.client.EncodedCall;
import dev.nereid.client.Endpoint;
import dev.nereid.client.EventLoops;
import dev.nereid.client.GrpcInferenceClient;
import dev.nereid.client.GrpcOptions;
import dev.nereid.client.HttpCaller;
import dev.nereid.client.HttpInferenceClient;
import dev.nereid.client.HttpOptions;
import dev.nereid.client.InferCall;
import dev.nereid.client.InferInput;
import dev.nereid.client.InferenceClient;
import dev.nereid.client.RawReply;
import dev.nereid.core.DataType;
import dev.nereid.core.Shape;
import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.StringJoiner;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/**
 * The requests of one cell of the comparison, and how their answers are read.
 *
 * @param endpoint where to, the link included
 * @param names of the model asked for that payload, where the v2 protocol is spoken
 */
record CellTarget(
    ProtocolCell cell, Endpoint endpoint, ProtocolModels.Input names, Pictures pictures) {
  private static final String BOUNDARY = "nereid-5b1c9a07e2d84f36";
  private static final int MOST_VARIANTS = 8;
  private static final long MOST_BYTES = 64L << 20;

  Target open() {
    EventLoops loops = EventLoops.of(1);
    Client client = client(loops);
    Sender sender = client.sender;
    if (cell.perCall()) {
      sender.close();
      sender = new PerCallSender(on -> client(on).sender, loops);
    }
    List<EncodedCall> calls = new ArrayList<>();
    for (int i = 0; i < variants(); i++) {
      calls.add(client.encode(this, i));
    }
    return new EncodedTarget(sender, loops, Mix.PLAIN, _ -> calls, JsonCheck::new);
  }

  private int variants() {
    return Math.clamp(MOST_BYTES / cell.payloadBytes(), 1, MOST_VARIANTS);
  }

  /** A sender, and who encodes for it and reads what comes back. */
  private record Client(Sender sender, @Nullable InferenceClient v2, @Nullable HttpCaller rest) {
    EncodedCall encode(CellTarget target, int first) {
      if (v2 != null) {
        return v2.encode(target.call(first));
      }
      if (rest == null) {
        throw new IllegalStateException("client: none");
      }
      return target.cell.route() == Route.BASE64
          ? target.base64(rest, first)
          : target.multipart(rest, first);
    }
  }

  private Client client(EventLoops loops) {
    HttpOptions http =
        HttpOptions.of(endpoint).withMaxConnections(cell.perCall() ? 1 : cell.concurrency());
    return switch (cell.route()) {
      case GRPC -> v2(new GrpcInferenceClient(GrpcOptions.of(endpoint), loops));
      case BINARY -> v2(new HttpInferenceClient(http, loops));
      case JSON -> v2(new HttpInferenceClient(http.withJson(), loops));
      case MULTIPART, BASE64 -> {
        HttpCaller caller = new HttpCaller(http, loops);
        yield new Client(Sender.of(caller), null, caller);
      }
    };
  }

  private static Client v2(InferenceClient client) {
    return new Client(Sender.of(client), client, null);
  }

  private InferCall call(int first) {
    int batch = cell.batch();
    String input = names.input();
    InferInput tensor =
        switch (cell.payload()) {
          case ENCODED -> InferInput.blobs(input, Shape.of(batch, 1), pictures.files(first, batch));
          case UINT8 -> tensor(DataType.UINT8, first);
          case FP16 -> tensor(DataType.FP16, first);
          case FP32 -> tensor(DataType.FP32, first);
          case TENSOR ->
              new InferInput(
                  input, DataType.FP32, Shape.of(batch, cell.rowValues()), numbers(first));
        };
    return InferCall.of(names.model(), tensor).withOutputs(names.output());
  }

  /** From 0 to 1, others for each variant, the same on every way. */
  private ByteBuffer numbers(int first) {
    SplittableRandom random = new SplittableRandom(first);
    int count = cell.batch() * cell.rowValues();
    ByteBuffer bytes = ByteBuffer.allocate(count * Float.BYTES).order(ByteOrder.LITTLE_ENDIAN);
    for (int i = 0; i < count; i++) {
      bytes.putFloat(random.nextInt(1 << 16) / 65_536f);
    }
    return bytes.flip();
  }

  private InferInput tensor(DataType type, int first) {
    return new InferInput(
        names.input(),
        type,
        Shape.of(cell.batch(), 3, 224, 224),
        pictures.pixels(cell.payload(), first, cell.batch()));
  }

  private EncodedCall base64(HttpCaller rest, int first) {
    StringJoiner images = new StringJoiner("\",\"", "{\"images\":[\"", "\"]}");
    for (byte[] file : pictures.files(first, cell.batch())) {
      images.add(Base64.getEncoder().encodeToString(file));
    }
    return rest.encode(
        "POST",
        "/embed/base64",
        Map.of("Content-Type", "application/json"),
        images.toString().getBytes(StandardCharsets.US_ASCII));
  }

  private EncodedCall multipart(HttpCaller rest, int first) {
    ByteArrayOutputStream body = new ByteArrayOutputStream();
    for (byte[] file : pictures.files(first, cell.batch())) {
      String head =
          "--"
              + BOUNDARY
              + "\r\nContent-Disposition: form-data; name=\"files\"; filename=\"image.jpg\"\r\n"
              + "Content-Type: image/jpeg\r\n\r\n";
      body.writeBytes(head.getBytes(StandardCharsets.US_ASCII));
      body.writeBytes(file);
      body.writeBytes("\r\n".getBytes(StandardCharsets.US_ASCII));
    }
    body.writeBytes(("--" + BOUNDARY + "--\r\n").getBytes(StandardCharsets.US_ASCII));
    return rest.encode(
        "POST",
        "/embed/batch",
        Map.of("Content-Type", "multipart/form-data; boundary=" + BOUNDARY),
        body.toByteArray());
  }

  /** The numbers of the vectors in a reply, one after another. Not for event loops. */
  double[] vectors(RawReply reply) {
    if (cell.route().isRest()) {
      JsonNode rows =
          ReportJson.MAPPER
              .readTree(reply.body().toString(StandardCharsets.UTF_8))
              .path("embeddings");
      List<Double> values = new ArrayList<>();
      rows.forEach(row -> row.forEach(value -> values.add(value.doubleValue())));
      return values.stream().mapToDouble(Double::doubleValue).toArray();
    }
    try (EventLoops loops = EventLoops.of(1);
        InferenceClient client = reader(loops)) {
      float[] values = client.decode(reply).output(names.output()).floats();
      double[] wide = new double[values.length];
      for (int i = 0; i < wide.length; i++) {
        wide[i] = values[i];
      }
      return wide;
    }
  }

  private InferenceClient reader(EventLoops loops) {
    return cell.route() == Route.GRPC
        ? new GrpcInferenceClient(GrpcOptions.of(endpoint), loops)
        : new HttpInferenceClient(HttpOptions.of(endpoint), loops);
  }
}
