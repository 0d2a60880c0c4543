package dev.nereid.bench;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import io.grpc.MethodDescriptor;
import io.grpc.ServerServiceDefinition;
import io.grpc.Status;
import io.grpc.netty.NettyServerBuilder;
import io.grpc.stub.ServerCalls;
import io.grpc.stub.StreamObserver;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;

/**
 * A process of its own that behaves exactly as told and shares no code with the tool: a v2 server
 * over the JDK's HTTP server, and over grpc-java with messages written by hand. Each model, of
 * which there are as many as are asked for, follows a script of its own: every request takes the
 * service time on one of so many places, and longer than the one before if told so; every n-th
 * takes another time; every n-th fails; at one request all stops for a while. Models answer with
 * two vectors named embedding, those called named... with an output called vector, those called
 * wrong... with other values. Prints both ports, and ends with its standard input.
 */
final class TruthServer {
  private static final String REPLY =
      """
      {"model_name":"m","model_version":"1","outputs":[
       {"name":"%s","datatype":"FP32","shape":[2,2],"data":[%s,2,3,4]}]}""";
  private static final String EMBEDDINGS = "{\"embeddings\":[[1,2],[3,4]],\"count\":2}";

  /** How a model behaves; a new one for every test, so that all counts begin at 0. */
  private static final class Script {
    final AtomicLong asked = new AtomicLong();
    final long serviceNanos;
    final long slowNanos;
    final long slowEvery;
    final long driftMicros;
    final Semaphore places;
    final long errorEvery;
    final long pauseAt;
    final long pauseNanos;
    volatile long pausedUntil = Long.MIN_VALUE;

    Script(Map<String, Long> said) {
      serviceNanos = TimeUnit.MICROSECONDS.toNanos(said.getOrDefault("service", 0L));
      slowNanos = TimeUnit.MICROSECONDS.toNanos(said.getOrDefault("slow", 0L));
      slowEvery = said.getOrDefault("slowevery", Long.MAX_VALUE);
      driftMicros = said.getOrDefault("drift", 0L);
      places = new Semaphore(said.getOrDefault("capacity", 100_000L).intValue(), true);
      errorEvery = said.getOrDefault("errors", 0L);
      pauseAt = said.getOrDefault("pauseat", 0L);
      pauseNanos = TimeUnit.MICROSECONDS.toNanos(said.getOrDefault("pause", 0L));
    }

    /** Takes the time it should; returns whether to answer rightly. */
    boolean serve() {
      long number = asked.incrementAndGet();
      if (number == pauseAt) {
        pausedUntil = System.nanoTime() + pauseNanos;
      }
      places.acquireUninterruptibly();
      try {
        long service = number % slowEvery == 0 ? slowNanos : serviceNanos;
        long until =
            System.nanoTime() + service + TimeUnit.MICROSECONDS.toNanos(number * driftMicros);
        if (pausedUntil != Long.MIN_VALUE) {
          until = Math.max(until, pausedUntil);
        }
        for (long left = until - System.nanoTime(); left > 0; left = until - System.nanoTime()) {
          LockSupport.parkNanos(left);
        }
      } finally {
        places.release();
      }
      return errorEvery == 0 || number % errorEvery != 0;
    }
  }

  private final Map<String, Script> scripts = new ConcurrentHashMap<>();

  private TruthServer() {}

  public static void main(String[] arguments) throws IOException {
    TruthServer truth = new TruthServer();
    ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();
    var address = new InetSocketAddress(InetAddress.getLoopbackAddress(), 0);
    HttpServer http = HttpServer.create(address, 4_096);
    http.setExecutor(threads);
    http.createContext("/", truth::answer);
    http.start();
    var grpc =
        NettyServerBuilder.forAddress(address)
            .executor(threads)
            .maxInboundMessageSize(1 << 28)
            .addService(truth.service())
            .build()
            .start();
    System.out.println(http.getAddress().getPort() + " " + grpc.getPort());
    System.out.flush();
    while (System.in.read() >= 0) {
      // Until who started this is gone.
    }
    System.exit(0);
  }

  private void answer(HttpExchange exchange) throws IOException {
    try (exchange) {
      var _ = exchange.getRequestBody().readAllBytes();
      String path = exchange.getRequestURI().getPath();
      if (path.startsWith("/script/")) {
        scripts.put(last(path), new Script(parse(exchange.getRequestURI().getQuery())));
        send(exchange, 200, "{}");
      } else if (path.startsWith("/asked/")) {
        send(exchange, 200, Long.toString(script(last(path)).asked.get()));
      } else if (path.startsWith("/v2/models/") && path.endsWith("/infer")) {
        String model = last(path.substring(0, path.lastIndexOf('/')));
        serve(exchange, model, REPLY.formatted(output(model), first(model)));
      } else if (path.startsWith("/v2/models/") && path.split("/", -1).length == 4) {
        send(exchange, 200, description(last(path)));
      } else if (path.startsWith("/any/")) {
        serve(exchange, last(path), REPLY.formatted("embedding", 1));
      } else if (path.startsWith("/embed")) {
        serve(exchange, "m", EMBEDDINGS);
      } else {
        send(exchange, 404, "{\"error\":\"not here\"}");
      }
    }
  }

  private static String description(String model) {
    return """
        {"name":"%s","versions":["1"],"platform":"x","outputs":[],
         "inputs":[{"name":"x","datatype":"FP32","shape":[-1,4]}]}"""
        .formatted(model);
  }

  private static String output(String model) {
    return model.startsWith("named") ? "vector" : "embedding";
  }

  private static int first(String model) {
    return model.startsWith("wrong") ? -1 : 1;
  }

  private static String last(String path) {
    return path.substring(path.lastIndexOf('/') + 1);
  }

  private Script script(String model) {
    return scripts.computeIfAbsent(model, _ -> new Script(Map.of()));
  }

  private void serve(HttpExchange exchange, String model, String reply) throws IOException {
    boolean right = script(model).serve();
    send(exchange, right ? 200 : 503, right ? reply : "{\"error\":\"scripted\"}");
  }

  private static Map<String, Long> parse(String query) {
    Map<String, Long> said = new HashMap<>();
    for (String pair : query.split("&", -1)) {
      int equals = pair.indexOf('=');
      said.put(pair.substring(0, equals), Long.valueOf(pair.substring(equals + 1)));
    }
    return said;
  }

  private static void send(HttpExchange exchange, int status, String text) throws IOException {
    byte[] body = text.getBytes(StandardCharsets.UTF_8);
    exchange.sendResponseHeaders(status, body.length);
    exchange.getResponseBody().write(body);
  }

  private ServerServiceDefinition service() {
    byte[] input = join(text(1, "x"), text(2, "FP32"), new byte[] {0x1a, 1, 4});
    return ServerServiceDefinition.builder("inference.GRPCInferenceService")
        .addMethod(
            method("ModelMetadata"),
            ServerCalls.asyncUnaryCall(
                (request, observer) -> {
                  String model = name(request);
                  observer.onNext(join(text(1, model), text(2, "1"), field(4, input)));
                  observer.onCompleted();
                }))
        .addMethod(method("ModelInfer"), ServerCalls.asyncUnaryCall(this::infer))
        .build();
  }

  /** The model's, which is the first field of every request. */
  private static String name(byte[] request) {
    return new String(request, 2, request[1], StandardCharsets.UTF_8);
  }

  private static byte[] reply(String model) {
    byte[] output = join(text(1, output(model)), text(2, "FP32"), new byte[] {0x1a, 2, 2, 2});
    ByteBuffer values = ByteBuffer.allocate(16).order(ByteOrder.LITTLE_ENDIAN);
    values.putFloat(first(model)).putFloat(2).putFloat(3).putFloat(4);
    return join(text(1, "m"), text(2, "1"), field(5, output), field(6, values.array()));
  }

  private void infer(byte[] request, StreamObserver<byte[]> observer) {
    String model = name(request);
    if (script(model).serve()) {
      observer.onNext(reply(model));
      observer.onCompleted();
    } else {
      observer.onError(Status.UNAVAILABLE.withDescription("scripted").asRuntimeException());
    }
  }

  private static MethodDescriptor<byte[], byte[]> method(String name) {
    return MethodDescriptor.<byte[], byte[]>newBuilder()
        .setType(MethodDescriptor.MethodType.UNARY)
        .setFullMethodName("inference.GRPCInferenceService/" + name)
        .setRequestMarshaller(new Bytes())
        .setResponseMarshaller(new Bytes())
        .build();
  }

  private static byte[] text(int number, String value) {
    return field(number, value.getBytes(StandardCharsets.UTF_8));
  }

  /** A length-delimited field shorter than 128 bytes. */
  private static byte[] field(int number, byte[] value) {
    return join(new byte[] {(byte) (number << 3 | 2), (byte) value.length}, value);
  }

  private static byte[] join(byte[]... parts) {
    ByteArrayOutputStream all = new ByteArrayOutputStream();
    for (byte[] part : parts) {
      all.writeBytes(part);
    }
    return all.toByteArray();
  }

  private static final class Bytes implements MethodDescriptor.Marshaller<byte[]> {
    @Override
    public InputStream stream(byte[] value) {
      return new ByteArrayInputStream(value);
    }

    @Override
    public byte[] parse(InputStream stream) {
      try {
        return stream.readAllBytes();
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }
  }
}
