package dev.nereid.client;

import dev.nereid.core.Shape;
import io.netty.buffer.ByteBuf;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicInteger;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.ObjectMapper;

/** The v2 protocol over HTTP/1.1 with keep-alive connections, tensors binary or in JSON. */
public final class HttpInferenceClient implements InferenceClient {
  private static final long CONTROL_SECONDS = 10;
  private static final int OK = 200;
  private static final ObjectMapper MAPPER = new ObjectMapper();

  private final HttpOptions options;
  private final HttpTransport transport;
  private final AtomicInteger nextLane = new AtomicInteger();

  /** A client that connects on its first call. */
  public HttpInferenceClient(HttpOptions options, EventLoops loops) {
    this.options = options;
    this.transport = new HttpTransport(options, loops);
  }

  @Override
  public CompletableFuture<InferResult> infer(InferCall call) {
    PendingResult<InferResult> result = new PendingResult<>(this::decode);
    return result.sentAs(
        send(encode(call), nextLane.getAndIncrement(), call.timeout().toNanos(), result));
  }

  @Override
  public EncodedCall encode(InferCall call) {
    return HttpMessages.encode(call, options.endpoint(), options.binary());
  }

  @Override
  public InFlight send(EncodedCall call, int lane, long timeoutNanos, Receiver receiver) {
    return transport.send(call, lane, timeoutNanos, new StatusCheck(receiver));
  }

  @Override
  public InferResult decode(RawReply reply) {
    return HttpReplies.decode(reply);
  }

  @Override
  public int connections() {
    return transport.connections();
  }

  @Override
  public boolean isLive() {
    return succeeds("/v2/health/live");
  }

  @Override
  public boolean isReady() {
    return succeeds("/v2/health/ready");
  }

  @Override
  public boolean isModelReady(String model) {
    return succeeds("/v2/models/" + HttpMessages.segment(model) + "/ready");
  }

  @Override
  public ServerInfo server() {
    JsonNode reply = get("/v2");
    List<String> extensions = new ArrayList<>();
    reply.path("extensions").forEach(extension -> extensions.add(extension.asString()));
    return new ServerInfo(
        reply.path("name").asString(""), reply.path("version").asString(""), extensions);
  }

  @Override
  public ModelInfo model(String name) {
    JsonNode reply = get("/v2/models/" + HttpMessages.segment(name));
    List<String> versions = new ArrayList<>();
    reply.path("versions").forEach(version -> versions.add(version.asString()));
    return new ModelInfo(
        reply.path("name").asString(""),
        versions,
        reply.path("platform").asString(""),
        tensors(reply.path("inputs")),
        tensors(reply.path("outputs")));
  }

  /** A model's configuration as the server completed it, in JSON. */
  public String config(String model) {
    return get("/v2/models/" + HttpMessages.segment(model) + "/config").toString();
  }

  @Override
  public List<ModelStatistics> statistics(String model) {
    JsonNode reply =
        get(
            model.isEmpty()
                ? "/v2/models/stats"
                : "/v2/models/" + HttpMessages.segment(model) + "/stats");
    List<ModelStatistics> all = new ArrayList<>();
    reply.path("model_stats").forEach(one -> all.add(statistics(one)));
    return all;
  }

  @Override
  public void close() {
    transport.close();
  }

  private static List<ModelInfo.TensorInfo> tensors(JsonNode array) {
    List<ModelInfo.TensorInfo> all = new ArrayList<>();
    for (JsonNode tensor : array) {
      List<Long> dims = new ArrayList<>();
      tensor.path("shape").forEach(dim -> dims.add(dim.asLong()));
      all.add(
          new ModelInfo.TensorInfo(
              tensor.path("name").asString(""),
              GrpcMessages.type(tensor.path("datatype").asString("")),
              Shape.of(dims)));
    }
    return all;
  }

  private static ModelStatistics statistics(JsonNode one) {
    SortedMap<Long, Long> batches = new TreeMap<>();
    for (JsonNode batch : one.path("batch_stats")) {
      batches.merge(
          batch.path("batch_size").asLong(0),
          batch.path("compute_infer").path("count").asLong(0),
          Long::sum);
    }
    JsonNode phases = one.path("inference_stats");
    return new ModelStatistics(
        one.path("name").asString(""),
        one.path("version").asString(""),
        one.path("inference_count").asLong(0),
        one.path("execution_count").asLong(0),
        phase(phases, "success"),
        phase(phases, "fail"),
        phase(phases, "queue"),
        phase(phases, "compute_input"),
        phase(phases, "compute_infer"),
        phase(phases, "compute_output"),
        batches);
  }

  private static ModelStatistics.Phase phase(JsonNode phases, String name) {
    JsonNode phase = phases.path(name);
    return new ModelStatistics.Phase(phase.path("count").asLong(0), phase.path("ns").asLong(0));
  }

  private boolean succeeds(String path) {
    try {
      var _ = text(path);
      return true;
    } catch (InferenceException e) {
      return false;
    }
  }

  private JsonNode get(String path) {
    try {
      return MAPPER.readTree(text(path));
    } catch (JacksonException e) {
      throw GrpcMessages.malformed(String.valueOf(e.getOriginalMessage()));
    }
  }

  private String text(String path) {
    PendingResult<String> result =
        new PendingResult<>(reply -> reply.body().toString(StandardCharsets.UTF_8));
    EncodedCall call = HttpMessages.encodeGet(options.endpoint(), path);
    return await(result.sentAs(send(call, 0, TimeUnit.SECONDS.toNanos(CONTROL_SECONDS), result)));
  }

  static <T> T await(CompletableFuture<T> future) {
    try {
      return future.get(2 * CONTROL_SECONDS, TimeUnit.SECONDS);
    } catch (ExecutionException e) {
      if (e.getCause() instanceof InferenceException failure) {
        throw failure;
      }
      throw new IllegalStateException(e.getCause());
    } catch (TimeoutException e) {
      throw new InferenceException(CallFailure.of(CallFailure.Kind.DEADLINE, "no outcome in time"));
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new InferenceException(CallFailure.of(CallFailure.Kind.CANCELLED, "interrupted"));
    }
  }

  /** Takes replies of status 200 for answers, all others for failures. */
  record StatusCheck(Receiver receiver) implements HttpExchange.Listener {
    private static final int MAX_MESSAGE = 500;

    @Override
    public void replied(int status, int jsonLength, ByteBuf body) {
      if (status == OK) {
        receiver.received(new RawReply(body, jsonLength));
      } else {
        receiver.failed(CallFailure.server(Integer.toString(status), message(body)));
      }
    }

    @Override
    public void failed(CallFailure failure) {
      receiver.failed(failure);
    }

    /** The text of a v2 or REST error body, or its first bytes. */
    private static String message(ByteBuf body) {
      String text =
          body.toString(
              body.readerIndex(), Math.min(body.readableBytes(), 1 << 16), StandardCharsets.UTF_8);
      try {
        JsonNode json = MAPPER.readTree(text);
        JsonNode said = json.has("error") ? json.path("error") : json.path("detail");
        text = said.isString() ? said.stringValue() : text;
      } catch (JacksonException e) {
        // Not JSON: the text itself is the message.
      }
      return text.length() > MAX_MESSAGE ? text.substring(0, MAX_MESSAGE) : text;
    }
  }
}
