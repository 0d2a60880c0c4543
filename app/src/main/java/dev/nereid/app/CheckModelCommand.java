package dev.nereid.app;

import dev.nereid.config.ConfigText;
import dev.nereid.config.ModelLint;
import dev.nereid.config.proto.ModelConfig;
import dev.nereid.config.proto.ModelEnsembling;
import dev.nereid.core.FaultException;
import dev.nereid.engine.Engine;
import dev.nereid.engine.EngineOptions;
import dev.nereid.engine.IndexEntry;
import dev.nereid.engine.LoadReport;
import dev.nereid.telemetry.Metrics;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.stream.Stream;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Loads the model as a server would, among links that leave everybody else out. */
@Command(
    name = "check-model",
    description = {
      "Says what is wrong with a model, and what helps, by loading it as a server would.",
      "Ends with 0 when it can be served, warnings or not."
    })
final class CheckModelCommand implements Callable<Integer> {
  private static final String CONFIG = "config.pbtxt";

  @Mixin
  @SuppressWarnings("unused") // picocli acts on it
  private HelpFlag help = new HelpFlag();

  @Parameters(
      paramLabel = "DIR",
      description = "A model's folder, with config.pbtxt or a version in it; or a repository.")
  @SuppressWarnings("NullAway.Init") // by picocli
  private Path directory;

  @Spec
  @SuppressWarnings("NullAway.Init") // by picocli
  private CommandSpec spec;

  @Override
  public Integer call() throws IOException, InterruptedException, ExecutionException {
    if (!Files.isDirectory(directory)) {
      throw new Mishap(directory + ": no such directory (expected: a model's folder)");
    }
    Path absolute = directory.toRealPath();
    Logs.configure(ServeOptions.Logging.SILENT);
    if (!isModel(absolute)) {
      return report(absolute, "", "");
    }
    Path parent = absolute.getParent();
    Path chosen = Files.createTempDirectory("nereid-check-");
    try {
      link(absolute, chosen);
      return report(chosen, chosen.toString(), String.valueOf(parent));
    } finally {
      removeLinks(chosen);
    }
  }

  private static boolean isModel(Path folder) throws IOException {
    if (Files.exists(folder.resolve(CONFIG))) {
      return true;
    }
    try (Stream<Path> inside = Files.list(folder)) {
      return inside.anyMatch(path -> String.valueOf(path.getFileName()).matches("[1-9]\\d*"));
    }
  }

  /** Links a model into a repository of its own, and what an ensemble needs. */
  private static void link(Path model, Path repository) throws IOException {
    Path link = repository.resolve(String.valueOf(model.getFileName()));
    if (Files.exists(link) || !Files.isDirectory(model)) {
      return;
    }
    Files.createSymbolicLink(link, model);
    for (ModelEnsembling.Step step : declared(model).getEnsembleScheduling().getStepList()) {
      link(model.resolveSibling(step.getModelName()), repository);
    }
  }

  /** What a model's author wrote; nothing when there is no such text. */
  private static ModelConfig declared(Path model) throws IOException {
    Path config = model.resolve(CONFIG);
    if (!Files.exists(config)) {
      return ModelConfig.getDefaultInstance();
    }
    try {
      return ConfigText.parse(Files.readString(config), config.toString());
    } catch (FaultException _) {
      return ModelConfig.getDefaultInstance(); // the load tells what is wrong with the text
    }
  }

  private static void removeLinks(Path repository) throws IOException {
    try (Stream<Path> links = Files.list(repository)) {
      for (Path link : links.toList()) {
        Files.delete(link);
      }
    }
    Files.delete(repository);
  }

  private int report(Path repository, String shown, String meant)
      throws IOException, InterruptedException, ExecutionException {
    PrintWriter out = spec.commandLine().getOut();
    try (Engine engine = Engine.open(EngineOptions.of(repository), new Metrics())) {
      LoadReport report = engine.started().get();
      if (report.entries().isEmpty()) {
        throw new Mishap(directory + ": no model (expected: one folder for each model)");
      }
      for (IndexEntry entry : report.entries()) {
        boolean ready = entry.state() == IndexEntry.State.READY;
        String told = ready ? entry.summary() : entry.reason();
        out.printf(
            "%s: %s%n",
            entry.model(),
            (ready ? "fine, " : "cannot be served: ")
                + (shown.isEmpty() ? told : told.replace(shown, meant)));
        if (ready) {
          ModelConfig declared = declared(repository.resolve(entry.model()));
          warnings(engine, entry, declared)
              .forEach(warning -> out.println("  warning: " + warning));
        }
      }
      return report.failures().isEmpty() ? 0 : 1;
    }
  }

  private static List<String> warnings(Engine engine, IndexEntry entry, ModelConfig declared) {
    return ModelLint.warnings(
        engine.config(entry.model(), entry.version()),
        declared,
        Runtime.getRuntime().availableProcessors());
  }
}
