package dev.nereid.gateway;

import static org.assertj.core.api.Assertions.assertThat;

import dev.nereid.client.ChannelRegistry;
import dev.nereid.client.Endpoint;
import dev.nereid.client.EventLoops;
import dev.nereid.client.ScriptedServer;
import dev.nereid.client.UpstreamOptions;
import dev.nereid.client.Upstreams;
import dev.nereid.config.proto.DataType;
import dev.nereid.config.proto.ModelConfig;
import dev.nereid.core.Failure;
import dev.nereid.core.FakeTicker;
import dev.nereid.core.InferRequest;
import dev.nereid.core.InferResponse;
import dev.nereid.core.Lease;
import dev.nereid.core.MemoryPool;
import dev.nereid.core.Reply;
import dev.nereid.core.Shape;
import dev.nereid.core.Tensor;
import dev.nereid.core.Ticker;
import dev.nereid.engine.EngineOptions;
import dev.nereid.protocol.proto.ModelStatisticsResponse;
import io.grpc.Status;
import java.net.InetAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;

/** A gateway in front of two servers that do what the test says. */
@Timeout(60)
final class RemoteServingTest {
  private static final String FIRST = "embed";
  private static final String OTHER = "embed_small";
  private static final UpstreamOptions.Health QUICK =
      new UpstreamOptions.Health(Duration.ofMillis(20), Duration.ofSeconds(5), 0);
  private static final ScriptedServer.Script GOOD = ScriptedServer.answering("embedding", 0.6f, 1);

  @TempDir private Path noModels;

  private final ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();
  private final MemoryPool memory = new MemoryPool(MemoryPool.Limits.DEFAULT);
  private final List<ScriptedServer> servers = new ArrayList<>();
  private final byte[] picture = RunningGateway.sample("tiny.jpg");
  private EventLoops loops;
  private ChannelRegistry registry;
  private @Nullable Upstreams upstreams;
  private @Nullable RunningGateway running;
  private volatile Runnable between = () -> {};

  @BeforeEach
  void start() throws Exception {
    loops = EventLoops.of(1);
    registry = new ChannelRegistry(loops);
    for (int i = 0; i < 2; i++) {
      ScriptedServer server = new ScriptedServer(FIRST, OTHER);
      server.configs.put(FIRST, embedder());
      server.configs.put(OTHER, embedder());
      server.script = GOOD;
      servers.add(server);
    }
  }

  private static ModelConfig embedder() {
    var config = ModelConfig.newBuilder().setMaxBatchSize(32);
    config.addInputBuilder().setName("image").setDataType(DataType.TYPE_STRING).addDims(1);
    config.addOutputBuilder().setName("embedding").setDataType(DataType.TYPE_FP32).addDims(2);
    return config.build();
  }

  @AfterEach
  void stop() {
    gateway().close();
    Objects.requireNonNull(upstreams).close();
    servers.forEach(ScriptedServer::close);
    registry.close();
    loops.close();
    threads.close();
    assertThat(memory.openLeases()).as("open leases of replies").isZero();
    memory.close();
  }

  private void open(UpstreamOptions options) throws Exception {
    open(options, Ticker.system());
  }

  private void open(UpstreamOptions options, Ticker ticker) throws Exception {
    Upstreams opened = Upstreams.open(options.with(QUICK), registry, memory, ticker);
    upstreams = opened;
    running =
        new RunningGateway(
            RunningGateway.options(),
            EngineOptions.of(noModels),
            engine ->
                new Watched(Serving.of(engine, opened, ImageEnsembles.NONE, Map.of(FIRST, OTHER))));
    int wanted = options.targets().size();
    until("all were asked", () -> opened.models().getOrDefault(FIRST, List.of()).size() == wanted);
  }

  private RunningGateway gateway() {
    return Objects.requireNonNull(running);
  }

  /** Does what the test says between the choice of a model and its call. */
  private final class Watched extends ForwardingServing {
    Watched(Serving inner) {
      super(inner);
    }

    @Override
    public void inferAll(List<InferRequest> requests) {
      Runnable now = between;
      between = () -> {};
      now.run();
      inner.inferAll(requests);
    }

    @Override
    public Serving on(@Nullable Endpoint upstream) {
      return this;
    }
  }

  private UpstreamOptions both() {
    return UpstreamOptions.of(
        servers.stream().map(ScriptedServer::endpoint).toArray(Endpoint[]::new));
  }

  /** What may still be to come. */
  private interface Condition {
    boolean holds() throws Exception;
  }

  private static void until(String what, Condition condition) throws Exception {
    long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(30);
    while (!condition.holds()) {
      assertThat(System.nanoTime()).as("time to wait for: " + what).isLessThan(end);
      LockSupport.parkNanos(1_000_000);
    }
  }

  /** The model that answers, or the status without an answer. */
  private String ask(String... headers) throws Exception {
    var answer = gateway().post("/embed", "image/jpeg", picture, headers);
    return answer.status() == 200
        ? answer.json().get("model").get("name").asString()
        : Integer.toString(answer.status());
  }

  private JsonNode target(int index) throws Exception {
    return gateway().get("/connections").json().get("targets").get(index);
  }

  private String breaker(String model) throws Exception {
    return target(0).get("breakers").get(model).asString();
  }

  /** Asks until so many calls are kept by the server; what is answered meanwhile is the other's. */
  private List<Future<String>> askUntilHeld(ScriptedServer server, int count) throws Exception {
    List<Future<String>> asked = new ArrayList<>();
    long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(30);
    while (asked.size() < count) {
      assertThat(System.nanoTime()).as("time to wait for probes").isLessThan(end);
      Future<String> next = threads.submit(() -> ask());
      until("answered or kept", () -> next.isDone() || server.held.size() > asked.size());
      if (server.held.size() > asked.size()) {
        asked.add(next);
      } else {
        assertThat(next.get()).isEqualTo(OTHER);
      }
    }
    return asked;
  }

  /** Only what the first model is asked follows the script; the other one is well. */
  private static ScriptedServer.Script first(ScriptedServer.Script script) {
    return (request, reply) ->
        (request.getModelName().equals(FIRST) ? script : GOOD).run(request, reply);
  }

  @Test
  void anotherModelStandsInUntilTwoProbesShowThatTheFirstIsWell() throws Exception {
    ScriptedServer server = servers.getFirst();
    open(
        UpstreamOptions.of(server.endpoint())
            .with(new UpstreamOptions.Breaker(5, Duration.ofMillis(300), 2)));
    assertThat(ask()).isEqualTo(FIRST);
    server.script = first(ScriptedServer.failing(Status.INTERNAL, null));
    int before = server.calls.get();
    until("the other stands in", () -> ask().equals(OTHER));
    assertThat(server.calls.get() - before).as("five failures and a good one").isGreaterThan(5);
    server.script = first(server.holding(GOOD));
    List<Future<String>> probes = askUntilHeld(server, 2);
    assertThat(breaker(FIRST)).isEqualTo("HALF_OPEN");
    for (int i = 0; i < 10; i++) {
      assertThat(ask()).as("beside the probes").isEqualTo(OTHER);
    }
    assertThat(server.held).hasSize(2);
    server.script = GOOD;
    for (Future<String> probe : probes) {
      server.held.take().run();
      assertThat(probe.get(20, TimeUnit.SECONDS)).isEqualTo(FIRST);
    }
    assertThat(breaker(FIRST)).isEqualTo("CLOSED");
    for (int i = 0; i < 10; i++) {
      assertThat(ask()).isEqualTo(FIRST);
    }
  }

  @Test
  void aFirstModelThatIsStillIllIsProbedAgainAndAgain() throws Exception {
    ScriptedServer server = servers.getFirst();
    open(
        UpstreamOptions.of(server.endpoint())
            .with(new UpstreamOptions.Breaker(5, Duration.ofMillis(20), 2)));
    server.script = first(ScriptedServer.failing(Status.INTERNAL, null));
    int calls = server.calls.get();
    int[] other = {0};
    until(
        "five failures, and three times two probes",
        () -> {
          other[0] += ask().equals(OTHER) ? 1 : 0;
          return server.calls.get() - calls - other[0] >= 5 + 3 * 2;
        });
    assertThat(other[0]).as("answered meanwhile").isPositive();
    server.script = GOOD;
    until("the first is back", () -> ask().equals(FIRST) && breaker(FIRST).equals("CLOSED"));
  }

  /** The first model has failed so often that it was left alone, and two probes are due now. */
  private ScriptedServer afterAPause() throws Exception {
    FakeTicker clock = new FakeTicker();
    ScriptedServer server = servers.getFirst();
    open(UpstreamOptions.of(server.endpoint()), clock);
    server.script = first(ScriptedServer.failing(Status.INTERNAL, null));
    until("the other stands in", () -> ask().equals(OTHER));
    clock.advance(Duration.ofSeconds(31));
    server.script = first(server.holding(GOOD));
    return server;
  }

  /** Somebody else's probe, which the server keeps. */
  private void takeProbe() {
    Lease lease = memory.copyOf(new byte[8]);
    var input = new Tensor("image", dev.nereid.core.DataType.BYTES, Shape.of(1, 1), lease, 0, 8);
    Reply reply =
        new Reply() {
          @Override
          public void respond(InferResponse response) {
            response.close();
          }

          @Override
          public void fail(Failure failure) {}
        };
    Objects.requireNonNull(upstreams)
        .infer(
            new InferRequest(
                InferRequest.Call.of(FIRST, System.nanoTime()),
                List.of(input),
                List.of(lease),
                reply));
  }

  @Test
  void whoFindsTheProbesTakenIsAnsweredByTheOtherModel() throws Exception {
    ScriptedServer server = afterAPause();
    between =
        () -> {
          takeProbe();
          takeProbe();
        };
    assertThat(ask()).isEqualTo(OTHER);
    until("the probes are there", () -> server.held.size() == 2);
    assertThat(breaker(FIRST)).isEqualTo("HALF_OPEN");
    server.script = GOOD;
    server.held.forEach(Runnable::run);
    until("they were good", () -> breaker(FIRST).equals("CLOSED"));
    assertThat(ask()).isEqualTo(FIRST);
  }

  private Form three() {
    return new Form()
        .file("images", "a.jpg", picture)
        .file("images", "b.jpg", picture)
        .file("images", "c.jpg", picture);
  }

  @Test
  void picturesOfOneRequestAreAnsweredByOneModel() throws Exception {
    ScriptedServer server = afterAPause();
    Future<RunningGateway.Answer> asked =
        threads.submit(() -> gateway().postForm("/predict_batch/" + FIRST, three()));
    until("two of three are there", () -> server.held.size() == 2);
    server.script = GOOD;
    server.held.forEach(Runnable::run);
    JsonNode told = asked.get(20, TimeUnit.SECONDS).json();
    assertThat(told.get("failed_images").asInt()).as(told.toString()).isZero();
    assertThat(told.get("model").get("name").asString()).isEqualTo(OTHER);
    assertThat(ask()).isEqualTo(FIRST);
  }

  @Test
  void ofAStreamEachPictureIsAnsweredAndTellsByWhomElse() throws Exception {
    ScriptedServer server = afterAPause();
    Future<RunningGateway.Answer> asked =
        threads.submit(
            () ->
                gateway()
                    .postForm(
                        "/predict_batch/" + FIRST, three(), "accept", "application/x-ndjson"));
    until("two of three are there", () -> server.held.size() == 2);
    server.held.forEach(Runnable::run);
    byte[] answer = asked.get(20, TimeUnit.SECONDS).response().body();
    List<String> lines = new String(answer, StandardCharsets.UTF_8).lines().toList();
    assertThat(lines).hasSize(4);
    assertThat(lines)
        .filteredOn(line -> line.contains("\"answered_by\":\"" + OTHER + "\""))
        .hasSize(1);
    assertThat(lines.getLast()).contains("\"failed_images\":0");
  }

  @Test
  void theDeadlineOfARequestReachesTheServer() throws Exception {
    ScriptedServer server = servers.getFirst();
    open(UpstreamOptions.of(server.endpoint()));
    assertThat(ask("X-Request-Timeout-Ms", "20000")).isEqualTo(FIRST);
    assertThat(server.patience.take()).isBetween(1L, 20_000L);
    assertThat(ask()).isEqualTo(FIRST);
    assertThat(server.patience.take()).as("none").isEqualTo(Long.MAX_VALUE);
    server.script = server.holding(GOOD);
    assertThat(ask("X-Request-Timeout-Ms", "200")).isEqualTo("504");
    until("called off", () -> server.cancelled.get() == server.held.size());
  }

  @Test
  void theServerIsToldOfAClientThatLeaves() throws Exception {
    ScriptedServer server = servers.getFirst();
    open(UpstreamOptions.of(server.endpoint()));
    server.script = server.holding(GOOD);
    String head =
        "POST /embed HTTP/1.1\r\nhost: a\r\ncontent-type: image/jpeg\r\ncontent-length: "
            + picture.length
            + "\r\n\r\n";
    try (var socket = new Socket(InetAddress.getLoopbackAddress(), gateway().gateway.port())) {
      socket.getOutputStream().write(head.getBytes(StandardCharsets.US_ASCII));
      socket.getOutputStream().write(picture);
      until("it is there", () -> server.held.size() == 1);
      assertThat(server.cancelled).hasValue(0);
      socket.setSoLinger(true, 0); // ends with a reset
    }
    until("called off", () -> server.cancelled.get() == 1);
  }

  /** A model that so far ran so many single pictures, and so many times eight. */
  private static ModelStatisticsResponse statistics(long ones, long eights, long queueNanos) {
    var all = ModelStatisticsResponse.newBuilder();
    var model = all.addModelStatsBuilder().setName(FIRST).setVersion("1");
    model.addBatchStatsBuilder().setBatchSize(1).getComputeInferBuilder().setCount(ones);
    model.addBatchStatsBuilder().setBatchSize(8).getComputeInferBuilder().setCount(eights);
    long pictures = ones + 8 * eights;
    var times = model.getInferenceStatsBuilder();
    times.getQueueBuilder().setCount(pictures).setNs(queueNanos);
    times
        .getComputeInferBuilder()
        .setCount(pictures)
        .setNs(pictures * TimeUnit.MILLISECONDS.toNanos(5));
    return all.build();
  }

  /** Six calls answered and two under way, in equal parts, and what the servers tell of others. */
  private List<Future<String>> afterSomeCalls() throws Exception {
    servers.forEach(server -> server.statistics = () -> statistics(10, 0, 0));
    open(both());
    for (int i = 0; i < 6; i++) {
      assertThat(ask()).isEqualTo(FIRST);
    }
    long began = System.nanoTime();
    for (ScriptedServer server : servers) {
      server.script = server.holding(GOOD);
      server.statistics = () -> statistics(12, 5, 3 * (System.nanoTime() - began));
    }
    List<Future<String>> underWay =
        List.of(threads.submit(() -> ask()), threads.submit(() -> ask()));
    for (int i = 0; i < 2; i++) {
      int index = i;
      until("one is there", () -> servers.get(index).held.size() == 1);
      until("three are in its queue", () -> isAbout(3, target(index).get("queue_depth")));
    }
    return underWay;
  }

  private static boolean isAbout(double wanted, JsonNode told) {
    return Math.abs(told.asDouble() - wanted) < 1;
  }

  private void end(List<Future<String>> underWay) throws Exception {
    for (ScriptedServer server : servers) {
      server.held.take().run();
    }
    for (Future<String> each : underWay) {
      assertThat(each.get(20, TimeUnit.SECONDS)).isEqualTo(FIRST);
    }
  }

  @Test
  void connectionsTellsOfEachServerInJson() throws Exception {
    List<Future<String>> underWay = afterSomeCalls();
    JsonNode told = gateway().get("/connections").json();
    assertThat(told.get("mode").asString()).isEqualTo("remote");
    assertThat(told.get("targets").size()).isEqualTo(2);
    for (int i = 0; i < 2; i++) {
      JsonNode target = told.get("targets").get(i);
      assertThat(target.get("target").asString()).isEqualTo(name(i));
      assertThat(target.get("state").asString()).isEqualTo("LIVE");
      assertThat(target.get("reason").asString()).isEmpty();
      assertThat(target.get("connections").asInt()).isEqualTo(1);
      assertThat(target.get("active_streams").asInt()).isEqualTo(1);
      assertThat(target.get("waiting_streams").asInt()).isZero();
      assertThat(target.get("queue_depth").asDouble()).isPositive();
      assertThat(target.get("batch_sizes")).hasToString("{\"1\":2,\"8\":5}");
      assertThat(target.get("answered").asInt()).isEqualTo(3);
      assertThat(target.get("failed").asInt()).isZero();
      assertThat(target.get("requests_per_second").asDouble()).isEqualTo(0.3);
      assertThat(target.get("p50_ms").asDouble()).isPositive();
      assertThat(target.get("p99_ms").asDouble())
          .isGreaterThanOrEqualTo(target.get("p50_ms").asDouble());
      assertThat(target.get("refused").asInt()).isZero();
      assertThat(target.get("red_flags")).hasToString("[]");
      assertThat(target.get("breakers")).hasToString("{\"embed\":\"CLOSED\"}");
      assertThat(target.get("models")).hasToString("[\"embed\",\"embed_small\"]");
      JsonNode channel = told.get("channels").get(i);
      assertThat(channel.get("lane").asString()).isEqualTo("normal");
      assertThat(channel.get("index").asInt()).isZero();
      assertThat(channel.get("state").asString()).isEqualTo("READY");
      assertThat(channel.get("connections").asInt()).isEqualTo(1);
    }
    assertThat(told.get("channels").size()).isEqualTo(2);
    assertThat(told.get("admission").get("calls").asInt()).isEqualTo(2);
    assertThat(told.get("admission").get("bytes").asInt())
        .isGreaterThanOrEqualTo(2 * picture.length);
    assertThat(told.get("admission").get("waiting").asInt()).isZero();
    assertThat(told.get("retries").asInt()).isZero();
    end(underWay);
  }

  private String name(int index) {
    return servers.get(index).endpoint().toString();
  }

  @Test
  void connectionsIsATableForPeople() throws Exception {
    List<Future<String>> underWay = afterSomeCalls();
    var answer = gateway().get("/connections", "accept", "text/plain");
    String text = new String(answer.response().body(), StandardCharsets.UTF_8);
    assertThat(answer.header("content-type")).startsWith("text/plain");
    for (int i = 0; i < 2; i++) {
      assertThat(text)
          .containsPattern(Pattern.quote(name(i)) + " +LIVE +1 +1 +0 +\\d+\\.\\d +0\\.3 .* -\n");
    }
    assertThat(text)
        .contains("  models    embed, embed_small\n")
        .contains("  batches   {1=2, 8=5}\n")
        .contains("  breaker   embed CLOSED\n")
        .contains("2 calls in flight (")
        .contains("0 waiting, 0 refused; 0 retries, 0 hedges\n");
    end(underWay);
  }

  @Test
  void metricsTellOfEachServer() throws Exception {
    List<Future<String>> underWay = afterSomeCalls();
    String text = new String(gateway().get("/metrics").response().body(), StandardCharsets.UTF_8);
    for (int i = 0; i < 2; i++) {
      String target = "{target=\"" + name(i) + "\"";
      assertThat(text)
          .contains("nereid_upstream_connections" + target + "} 1\n")
          .contains("nereid_upstream_streams" + target + ",kind=\"active\"} 1\n")
          .contains("nereid_upstream_streams" + target + ",kind=\"waiting\"} 0\n")
          .contains("nereid_upstream_requests_total" + target + ",outcome=\"answered\"} 3\n")
          .contains("nereid_upstream_requests_total" + target + ",outcome=\"failed\"} 0\n")
          .contains("nereid_upstream_state" + target + ",state=\"LIVE\"} 1\n")
          .contains("nereid_upstream_state" + target + ",state=\"STUCK\"} 0\n")
          .contains("nereid_upstream_batches_total" + target + ",size=\"1\"} 2\n")
          .contains("nereid_upstream_batches_total" + target + ",size=\"8\"} 5\n")
          .contains("nereid_upstream_breaker_state" + target + ",model=\"embed\"} 0\n")
          .contains("nereid_upstream_red_flag" + target + ",flag=\"stream_limit\"} 0\n")
          .contains("nereid_upstream_red_flag" + target + ",flag=\"p99_over_1000_ms\"} 0\n");
      assertThat(value(text, "nereid_upstream_queue_depth" + target + "}")).isPositive();
      assertThat(value(text, "nereid_upstream_tail_seconds" + target + "}")).isPositive();
    }
    assertThat(text)
        .contains("nereid_upstream_in_flight 2\n")
        .contains("nereid_upstream_waiting 0\n")
        .contains("nereid_upstream_retries_total 0\n")
        .contains("triton_batch_size_bucket{le=\"1\"} 4\n")
        .contains("triton_batch_size_bucket{le=\"8\"} 14\n")
        .contains("triton_batch_size_count 14\n")
        .contains("triton_batch_size_sum 84\n")
        .contains("triton_queue_time_ms_count 84\n")
        .contains("triton_inference_time_ms_count 84\n")
        .contains("triton_inference_time_ms_sum 420\n");
    end(underWay);
  }

  private static double value(String scrape, String sample) {
    Matcher found =
        Pattern.compile("^" + Pattern.quote(sample) + " (.*)$", Pattern.MULTILINE).matcher(scrape);
    assertThat(found.find()).as(sample).isTrue();
    return Double.parseDouble(found.group(1));
  }
}
