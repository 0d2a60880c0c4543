package dev.nereid.bench;

import dev.nereid.client.Endpoint;
import dev.nereid.client.EventLoops;
import dev.nereid.client.GrpcInferenceClient;
import dev.nereid.client.GrpcOptions;
import dev.nereid.client.HttpInferenceClient;
import dev.nereid.client.HttpOptions;
import dev.nereid.client.ImageForm;
import dev.nereid.client.InferCall;
import dev.nereid.client.InferenceClient;
import dev.nereid.client.TlsOptions;
import dev.nereid.core.Shape;
import java.net.URI;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** What to send, where to and how; shared by the commands that send requests. */
final class TargetOptions {
  private static final int METRICS_PORT = 8002;
  private static final int HTTP_PORT = 8000;
  private static final int PROBE_CONNECTIONS = 2;
  private static final String NONE = "none";

  @Option(
      names = {"-u", "--url"},
      defaultValue = "127.0.0.1",
      paramLabel = "URL",
      description =
          "The server; without a port: 8001 for grpc, 8000 for http, 9600 for image. A path is an"
              + " image route.")
  String url = "";

  @Option(
      names = {"-i", "--protocol"},
      converter = Protocol.Names.class,
      completionCandidates = Protocol.Names.class,
      description =
          "One of ${COMPLETION-CANDIDATES} (default: image for a URL with a path or a route,"
              + " template for --template, else grpc).")
  @Nullable Protocol chosen;

  @Option(
      names = {"-m", "--model"},
      defaultValue = "",
      description = "The model, or for image the name in /predict/NAME.")
  String model = "";

  @Option(
      names = "--route",
      defaultValue = "",
      description = "For image: the route, for instance /detect.")
  String route = "";

  @Option(
      names = "--form",
      defaultValue = "multipart",
      description = "For image: raw, multipart or base64.")
  String form = "";

  @Option(
      names = "--template",
      paramLabel = "FILE",
      description =
          "A request for any HTTP endpoint: a line VERB /PATH, headers, an empty line, the body;"
              + " gaps are {{image}}, {{image_base64}}, {{index}}, {{random}}, {{int}}.")
  @Nullable Path template;

  @Option(
      names = {"--images", "--image"},
      paramLabel = "DIR|FILE",
      description = "Pictures to send, seeded shuffle for each client.")
  @Nullable Path images;

  @Option(
      names = "--image-mode",
      defaultValue = "mixed",
      description = "identical, same-size or mixed.")
  String imageMode = "";

  @Option(
      names = {"--image-limit", "--limit"},
      defaultValue = "200",
      description = "Pictures loaded at most (default ${DEFAULT-VALUE}).")
  int imageLimit;

  @Option(
      names = "--inputs",
      defaultValue = "64",
      description = "Distinct random requests (default ${DEFAULT-VALUE}).")
  int inputs;

  @Option(
      names = {"-b", "--batch"},
      defaultValue = "1",
      description = "Rows in each request (default ${DEFAULT-VALUE}).")
  int batch;

  @Option(
      names = "--shape",
      paramLabel = "NAME:D,D,..",
      description = "The shape of an input with free dimensions, batch included.")
  List<String> shapes = new ArrayList<>();

  @Option(
      names = "--data",
      paramLabel = "[NAME=]random|zero|FILE",
      description = "Where an input's values come from (default random).")
  List<String> data = new ArrayList<>();

  @Option(
      names = "--channels",
      defaultValue = "shared",
      paramLabel = "shared|K|per-client|per-call",
      description = "gRPC channels; for HTTP at most K connections (default: one for each client).")
  String channels = "";

  @Option(
      names = "--root-cert",
      paramLabel = "FILE",
      description = "Speaks TLS, and trusts servers that this PEM file vouches for and no others.")
  @Nullable Path rootCertificate;

  @Option(
      names = "--client-threads",
      defaultValue = "0",
      description =
          "Event loops of this tool (default: as many as connections, at most the cores).")
  int clientThreads;

  @Option(
      names = "--metrics-url",
      defaultValue = "",
      description = "The server's metrics page, or none (default: port 8002 of the server).")
  String metricsUrl = "";

  @Option(
      names = "--stats-url",
      defaultValue = "",
      description = "The v2 HTTP port whose statistics are read (default: the server's own).")
  String statsUrl = "";

  @Option(
      names = "--server-pid",
      defaultValue = "0",
      description = "The server's process, where it has no metrics page but runs on this machine.")
  long serverPid;

  /** The tensors of a request, once they were made. */
  private String tensors = "";

  Protocol protocol() {
    if (chosen != null) {
      return chosen;
    }
    if (template != null) {
      return Protocol.TEMPLATE;
    }
    return route.isEmpty() && pathOfUrl().isEmpty() ? Protocol.GRPC : Protocol.IMAGE;
  }

  Endpoint endpoint() {
    return Endpoint.parse(url, protocol().defaultPort());
  }

  /** TLS to the server; null for plain text. */
  @Nullable TlsOptions tls() {
    Path root = rootCertificate;
    return root == null ? null : TlsOptions.trusting(root);
  }

  GrpcOptions grpc() {
    GrpcOptions plain = GrpcOptions.of(endpoint());
    TlsOptions tls = tls();
    return tls == null ? plain : plain.withTls(tls);
  }

  HttpOptions http() {
    HttpOptions plain = HttpOptions.of(endpoint());
    TlsOptions tls = tls();
    return tls == null ? plain : plain.withTls(tls);
  }

  /** Opens fresh connections for a load. */
  Target open(LoadPlan plan) {
    return new Targets(this, plan).open();
  }

  /** The distinct calls of the model, from what the server says of it. */
  List<InferCall> calls(InferenceClient client, long seed) {
    if (model.isEmpty()) {
      throw new IllegalArgumentException("--model: none (expected: a model's name)");
    }
    var values = new TensorInputs(inputs, batch, shapes(), sources(), pictures(seed), seed);
    List<InferCall> calls = values.calls(client.model(model));
    tensors =
        calls.getFirst().inputs().stream()
            .map(input -> input.name() + " " + input.type() + input.shape())
            .collect(Collectors.joining(", "));
    return calls;
  }

  /** A reader of what the server counts; the loops outlive it. */
  ServerProbe probe(EventLoops loops) {
    Endpoint endpoint = endpoint();
    boolean v2 = protocol() != Protocol.IMAGE && protocol() != Protocol.TEMPLATE;
    InferenceClient client =
        protocol() == Protocol.GRPC && statsUrl.isEmpty()
            ? new GrpcInferenceClient(grpc(), loops)
            : new HttpInferenceClient(
                (v2 && statsUrl.isEmpty()
                        ? http()
                        : HttpOptions.of(
                            statsUrl.isEmpty()
                                ? endpoint.withPort(HTTP_PORT)
                                : Endpoint.parse(statsUrl, HTTP_PORT)))
                    .withMaxConnections(PROBE_CONNECTIONS),
                loops);
    URI metrics =
        switch (metricsUrl) {
          case NONE -> null;
          case "" -> URI.create("http://" + endpoint.withPort(METRICS_PORT) + "/metrics");
          default -> URI.create(metricsUrl);
        };
    return new ServerProbe(metrics, serverPid, client);
  }

  /** What was asked for, by option, for the report. */
  Map<String, String> described() {
    Map<String, String> all = new LinkedHashMap<>();
    all.put("url", endpoint().toString());
    all.put("protocol", protocol().label());
    switch (protocol()) {
      case IMAGE -> {
        all.put("route", path());
        all.put("form", form);
      }
      case TEMPLATE -> all.put("template", "" + template);
      case GRPC, HTTP, HTTP_JSON -> all.put("model", model);
    }
    if (images != null) {
      all.put("images", images + " " + imageMode);
    }
    if (!tensors.isEmpty()) {
      all.put("tensors", tensors);
    }
    if (!data.isEmpty()) {
      all.put("data", String.join(", ", data));
    }
    all.put("batch", "" + batch);
    all.put("channels", channels);
    return all;
  }

  /** That in one line, the address first. */
  static String line(Map<String, String> described) {
    return described.entrySet().stream()
        .map(
            one ->
                one.getKey().equals("url") ? one.getValue() : one.getKey() + " " + one.getValue())
        .collect(Collectors.joining(", "));
  }

  String path() {
    if (!route.isEmpty()) {
      return route;
    }
    String path = pathOfUrl();
    return !path.isEmpty() ? path : model.isEmpty() ? "/detect" : "/predict/" + model;
  }

  private String pathOfUrl() {
    int host = url.indexOf("://") + (url.contains("://") ? 3 : 1);
    int slash = url.indexOf('/', host);
    return slash < 0 || slash == url.length() - 1 ? "" : url.substring(slash);
  }

  ImageForm imageForm() {
    return ImageForm.valueOf(form.toUpperCase(Locale.ROOT));
  }

  List<byte[]> pictures(long seed) {
    Path folder = images;
    if (folder == null) {
      return List.of();
    }
    var mode = ImageSet.Mode.valueOf(imageMode.toUpperCase(Locale.ROOT).replace('-', '_'));
    return ImageSet.load(folder, mode, imageLimit, seed);
  }

  private Map<String, Shape> shapes() {
    Map<String, Shape> all = new HashMap<>();
    for (String text : shapes) {
      int colon = text.lastIndexOf(':');
      if (colon < 1) {
        throw new IllegalArgumentException("--shape: '" + text + "' (expected: NAME:D,D,..)");
      }
      List<Long> dims = new ArrayList<>();
      for (String dim : text.substring(colon + 1).split(",", -1)) {
        dims.add(Long.valueOf(dim.strip()));
      }
      all.put(text.substring(0, colon), Shape.of(dims));
    }
    return all;
  }

  private Map<String, String> sources() {
    Map<String, String> all = new HashMap<>();
    for (String text : data) {
      int equals = text.indexOf('=');
      all.put(equals < 0 ? "" : text.substring(0, equals), text.substring(equals + 1));
    }
    return all;
  }
}
