package dev.nereid.bench;

import dev.nereid.client.Endpoint;
import java.io.PrintWriter;
import java.net.URI;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code nereid bench chaos}: exit status 0 when the server did nothing wrong. */
@Command(
    name = "chaos",
    mixinStandardHelpOptions = true,
    description =
        "Cancels, disconnects, hurries and talks nonsense by a seed, and says what the server did wrong.")
final class ChaosCommand implements Callable<Integer> {
  private static final String NONE = "none";

  @Spec private @Nullable CommandSpec spec;

  @Option(
      names = {"-u", "--url"},
      defaultValue = "127.0.0.1:8000",
      description = "v2 over HTTP (default ${DEFAULT-VALUE}).")
  private String url = "";

  @Option(
      names = "--grpc-url",
      defaultValue = "127.0.0.1:8001",
      description = "v2 over gRPC, or none (default ${DEFAULT-VALUE}).")
  private String grpcUrl = "";

  @Option(
      names = "--metrics-url",
      defaultValue = "http://127.0.0.1:8002/metrics",
      description = "Default ${DEFAULT-VALUE}.")
  private URI metrics = URI.create("http://127.0.0.1:8002/metrics");

  @Option(
      names = {"-m", "--model"},
      required = true,
      split = ",",
      description = "Models that must answer rightly, ensembles among them.")
  private List<String> models = new ArrayList<>();

  @Option(
      names = "--failing-model",
      split = ",",
      description = "Models whose every execution fails.")
  private List<String> failing = new ArrayList<>();

  @Option(
      names = "--images",
      paramLabel = "DIR",
      description = "Pictures for inputs of encoded bytes.")
  private @Nullable Path images;

  @Option(
      names = "--actors",
      defaultValue = "32",
      description = "Acting at the same time (default ${DEFAULT-VALUE}).")
  private int actors;

  @Option(
      names = {"-d", "--duration"},
      defaultValue = "10m",
      converter = Times.class,
      description = "Default ${DEFAULT-VALUE}.")
  private Duration duration = Duration.ZERO;

  @Option(
      names = "--seed",
      defaultValue = "1",
      description = "Decides who does what (default ${DEFAULT-VALUE}).")
  private long seed;

  @Override
  public Integer call() throws InterruptedException {
    if (spec == null) {
      throw new IllegalStateException("spec: null (expected: set by picocli)");
    }
    PrintWriter out = spec.commandLine().getOut();
    PrintWriter err = spec.commandLine().getErr();
    var plan =
        new ChaosPlan(
            grpcUrl.equals(NONE) ? null : Endpoint.parse(grpcUrl, Protocol.GRPC.defaultPort()),
            Endpoint.parse(url, Protocol.HTTP.defaultPort()),
            metrics,
            models,
            failing,
            images,
            actors,
            duration,
            seed);
    ChaosReport report =
        new ChaosRun(
                plan,
                line -> {
                  err.println(line);
                  err.flush();
                })
            .run();
    out.print("seed " + seed + "\n" + report.text());
    out.flush();
    return report.violations().isEmpty() ? 0 : 1;
  }
}
