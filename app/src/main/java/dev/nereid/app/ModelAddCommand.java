package dev.nereid.app;

import dev.nereid.backend.onnx.OnnxFile;
import dev.nereid.config.ConfigText;
import dev.nereid.config.proto.ModelConfig;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Writes into a temporary folder first, so that a server never sees half a model. */
@Command(
    name = "add",
    description = {
      "Puts an ONNX file into a model repository.",
      "A detector as Ultralytics exports it becomes a model that takes pictures and answers with"
          + " boxes, under the class names that are in the file; any other model takes tensors."
    })
final class ModelAddCommand implements Callable<Integer> {
  private final Installation installation;

  @Mixin
  @SuppressWarnings("unused") // picocli acts on it
  private HelpFlag help = new HelpFlag();

  @Parameters(paramLabel = "FILE.onnx", description = "The model.")
  @SuppressWarnings("NullAway.Init") // by picocli
  private Path file;

  @Option(
      names = "--name",
      paramLabel = "NAME",
      description = "What it is called (default: as the file is).")
  private @Nullable String name;

  @Option(
      names = "--repository",
      paramLabel = "DIR",
      description = "Where it is put (default: the demo models' repository).")
  private @Nullable Path repository;

  @Option(
      names = "--url",
      paramLabel = "URL",
      description = "A server to load it into, if one runs there (${DEFAULT-VALUE}).")
  private String url = "http://localhost:8000";

  @Spec
  @SuppressWarnings("NullAway.Init") // by picocli
  private CommandSpec spec;

  ModelAddCommand(Installation installation) {
    this.installation = installation;
  }

  @Override
  public Integer call() throws IOException {
    Path place = repository == null ? installation.demoRepository() : repository;
    OnnxFile onnx = OnnxFile.read(file);
    String model = name == null ? nameOf(file) : name;
    Optional<DetectorExport> detector = DetectorExport.in(onnx);
    Files.createDirectories(place);
    PrintWriter out = spec.commandLine().getOut();
    if (detector.isPresent()) {
      addDetector(place, model, detector.get());
      tell(out, place, model, detector.get());
    } else {
      add(place, plain(model), file, List.of());
      out.printf("%s takes %s and answers with %s.%n", model, onnx.inputs(), onnx.outputs());
      out.printf("It lies in %s.%n", place.resolve(model));
    }
    return new LoadRequest(url).send(model, place, detector.isPresent(), out) ? 0 : 1;
  }

  private void addDetector(Path place, String model, DetectorExport detector) throws IOException {
    List<ModelConfig> configs = new DetectorModels(model, detector).all();
    for (ModelConfig config : configs) {
      requireFree(place.resolve(config.getName()));
    }
    for (ModelConfig config : configs) {
      boolean network = config.getName().equals(DetectorModels.network(model));
      boolean labelled =
          config.getOutputList().stream().anyMatch(o -> !o.getLabelFilename().isEmpty());
      add(place, config, network ? file : null, labelled ? detector.labels() : List.of());
    }
  }

  private static void tell(PrintWriter out, Path place, String model, DetectorExport detector) {
    out.printf(
        "%s is a detector of %d classes (%s), %dx%d, batch %s.%n",
        model,
        detector.labels().size(),
        some(detector.labels()),
        detector.width(),
        detector.height(),
        detector.batchable() ? "free" : "1");
    out.printf(
        "It lies in %s: the ensemble %s over %s_preprocess, %s and %s_postprocess.%n",
        place, model, model, DetectorModels.network(model), model);
  }

  private static String some(List<String> labels) {
    int shown = 5;
    return labels.size() <= shown
        ? String.join(", ", labels)
        : String.join(", ", labels.subList(0, shown)) + ", ...";
  }

  /** A model whose tensors the server reads from the file itself. */
  private static ModelConfig plain(String model) {
    return ModelConfig.newBuilder().setName(model).setBackend("onnxruntime").build();
  }

  private static void add(Path place, ModelConfig config, @Nullable Path file, List<String> labels)
      throws IOException {
    Path target = place.resolve(config.getName());
    requireFree(target);
    Path work = Files.createTempDirectory(place, ".adding-");
    Path version = Files.createDirectory(work.resolve("1"));
    if (file != null) {
      Files.copy(file, version.resolve("model.onnx"));
    }
    Files.writeString(work.resolve("config.pbtxt"), text(config));
    if (!labels.isEmpty()) {
      Files.write(work.resolve(DetectorModels.LABELS), labels);
    }
    Files.setPosixFilePermissions(work, PosixFilePermissions.fromString("rwxr-xr-x"));
    Files.move(work, target, StandardCopyOption.ATOMIC_MOVE);
  }

  /** The configuration as people write it, with lists in one line. */
  static String text(ModelConfig config) {
    Pattern run = Pattern.compile("(?m)^( *)(dims|shape): (-?\\d+)\n((?: *\\2: -?\\d+\n)*)");
    return run.matcher(ConfigText.print(config))
        .replaceAll(
            found ->
                found.group(1)
                    + found.group(2)
                    + ": [ "
                    + found.group(3)
                    + found.group(4).replaceAll("\\s*\\w+: (-?\\d+)", ", $1").stripTrailing()
                    + " ]\n");
  }

  private static void requireFree(Path target) {
    if (Files.exists(target)) {
      throw new Mishap(target + " exists (expected: a free name; try --name)");
    }
  }

  /** The file's name in the letters that model names are made of. */
  static String nameOf(Path file) {
    Path last = file.getFileName();
    String stem = (last == null ? "model" : last.toString()).replaceFirst("\\.[^.]*$", "");
    String name = stem.toLowerCase(Locale.ROOT).replaceAll("[^a-z0-9]+", "_");
    return name.replaceAll("^_+|_+$", "");
  }
}
