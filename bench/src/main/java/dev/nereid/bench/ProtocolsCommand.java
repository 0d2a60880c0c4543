package dev.nereid.bench;

import dev.nereid.client.InferenceException;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/**
 * {@code nereid bench protocols}: the same model over every protocol, in every form of picture, on
 * loopback and slower links. Exit status 0 when all that was chosen is measured and every way gave
 * the same answers; 1 otherwise.
 */
@Command(
    name = "protocols",
    mixinStandardHelpOptions = true,
    description =
        "Compares gRPC, HTTP and REST over forms of a picture, batches, callers and links.",
    sortOptions = false)
final class ProtocolsCommand implements Callable<Integer> {
  private static final int PICTURES = 32;

  @Spec private @Nullable CommandSpec spec;

  @Option(
      names = {"-u", "--url"},
      defaultValue = "127.0.0.1",
      paramLabel = "HOST",
      description = "A server on its usual ports, where no --target is named.")
  private String url = "";

  @Option(
      names = "--target",
      paramLabel = "NAME=ADDRESSES",
      description =
          "A server by name: a host for the usual ports, or"
              + " http://..,grpc://..,rest://..,metrics://..; several are compared side by side.")
  private List<String> targets = new ArrayList<>();

  @Option(
      names = "--model",
      split = ",",
      paramLabel = "[TARGET/]PAYLOAD=NAME[:INPUT[:OUTPUT]]",
      description =
          "The model for each payload, on all servers or on one (default encoded=embed:image,"
              + "uint8=embed_uint8:pixels,fp16=embed_fp16:pixels,fp32=shapes_embedder:images,"
              + "tensor=identity_fp32:INPUT0:OUTPUT0).")
  private List<String> models = new ArrayList<>();

  @Option(
      names = "--images",
      paramLabel = "DIR|FILE",
      description = "Pictures (default: drawn ones of 224x224).")
  private @Nullable Path images;

  @Option(names = "--batches", split = ",", defaultValue = "1,4,8,16,32")
  private List<Integer> batches = List.of();

  @Option(names = "--concurrency", split = ",", defaultValue = "1,8,16")
  private List<Integer> concurrencies = List.of();

  @Option(
      names = "--tensors",
      split = ",",
      defaultValue = "256,4096,16384,65536",
      paramLabel = "BYTES",
      description =
          "Sizes of the small tensors, on loopback, where there is a model for them (default"
              + " ${DEFAULT-VALUE}).")
  private List<Integer> tensors = List.of();

  @Option(
      names = "--link",
      paramLabel = "loopback|NAME=RATE/DELAY",
      description =
          "Links to emulate (default loopback, lan=117MB/200us, wan=6MB/20ms); the rate counts for"
              + " each direction, a round trip takes the delay twice.")
  private List<String> links = new ArrayList<>();

  @Option(
      names = "--cell-time",
      defaultValue = "3s",
      converter = Times.class,
      description =
          "For each point, about, in two halves; where requests are slow it takes longer (default"
              + " ${DEFAULT-VALUE}).")
  private Duration cellTime = Duration.ZERO;

  @Option(
      names = {"-w", "--warmup"},
      defaultValue = "5s",
      converter = Times.class,
      description = "For each way before the first point (default ${DEFAULT-VALUE}).")
  private Duration warmUp = Duration.ZERO;

  @Option(
      names = "--warmup-model",
      defaultValue = "simple",
      paramLabel = "NAME",
      description =
          "A small model by which each protocol is warmed up before, where the server has it"
              + " (default ${DEFAULT-VALUE}).")
  private String warmUpModel = "";

  @Option(
      names = "--budget",
      defaultValue = "60m",
      converter = Times.class,
      description =
          "For all (default ${DEFAULT-VALUE}). Points for which it does not suffice are left out,"
              + " the least important first; --resume takes them up.")
  private Duration budget = Duration.ZERO;

  @Option(names = "--whole", description = "Leave no point out.")
  private boolean whole;

  @Mixin private final ComparisonFiles files = new ComparisonFiles();

  @Mixin private final OriginalFlags original = new OriginalFlags();

  @Override
  public Integer call() throws IOException, InterruptedException {
    if (spec == null) {
      throw new IllegalStateException("spec: null (expected: set by picocli)");
    }
    PrintWriter err = spec.commandLine().getErr();
    List<ProtocolTarget> servers = targets();
    ProtocolModels chosenModels = ProtocolModels.parse(models);
    ProtocolMatrix.Plan chosen = chosen(servers, chosenModels);
    CellStore store = files.store();
    var plan =
        new ProtocolsPlan(
            cellTime.toMillis() / 1e3, original.iterations, warmUp, warmUpModel, budget);
    var ways = new ProtocolWays(servers, chosenModels, pictures());
    List<ProtocolCell> cells = chosen.cells().stream().filter(ways::offers).toList();
    try (var run =
        new ProtocolsRun(
            ways,
            plan,
            line -> {
              err.println(line);
              err.flush();
            })) {
      Map<String, String> unequal = run.checkAnswers(cells);
      int left = run.measure(cells, store);
      String report =
          new ProtocolsReport(
                  Environment.now(), links(), store.cells(), unequal, chosen.prunedCount(), left)
              .text();
      files.write(report, spec.commandLine().getOut());
      return left == 0 && unequal.isEmpty() ? 0 : 1;
    } catch (InferenceException e) {
      err.println(e.getMessage());
      return 1;
    }
  }

  private ProtocolMatrix.Plan chosen(List<ProtocolTarget> servers, ProtocolModels chosenModels) {
    return new ProtocolMatrix(
            servers.stream().map(ProtocolTarget::name).toList(),
            chosenModels.payloads(),
            batches,
            concurrencies,
            links(),
            tensors,
            whole)
        .plan();
  }

  private List<ProtocolTarget> targets() {
    List<ProtocolTarget> all = new ArrayList<>(original.targets());
    targets.forEach(text -> all.add(ProtocolTarget.parse(text)));
    return all.isEmpty() ? List.of(ProtocolTarget.ofHost("nereid", url)) : all;
  }

  private List<Link> links() {
    return links.isEmpty()
        ? List.of(Link.LOOPBACK, Link.parse("lan=117MB/200us"), Link.parse("wan=6MB/20ms"))
        : links.stream().map(Link::parse).toList();
  }

  private Pictures pictures() {
    Path folder = images;
    return Pictures.of(
        folder == null
            ? Pictures.drawn(PICTURES, 1)
            : ImageSet.load(folder, ImageSet.Mode.MIXED, PICTURES, 1));
  }
}
