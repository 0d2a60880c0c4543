package dev.nereid.app;

import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;
import tools.jackson.databind.JsonNode;

/** Ends with 0 when every picture was answered, whether something was found or not. */
@Command(
    name = "infer",
    description = "Sends pictures to a running server and shows what it says of them.",
    sortOptions = false)
final class InferCommand implements Callable<Integer> {
  private static final int SHOWN_NUMBERS = 6;

  @Mixin
  @SuppressWarnings("unused") // picocli acts on it
  private HelpFlag help = new HelpFlag();

  @Option(
      names = "--image",
      paramLabel = "FILE",
      arity = "1..*",
      required = true,
      description = "Pictures: JPEG, PNG, WebP, BMP, TIFF, GIF.")
  private List<Path> images = new ArrayList<>();

  @Option(
      names = "--model",
      paramLabel = "NAME",
      description = "A model that takes pictures (${DEFAULT-VALUE}).")
  private String model = "detect";

  @Option(
      names = "--url",
      paramLabel = "URL",
      description = "The server's image gateway (${DEFAULT-VALUE}).")
  private String url = "http://localhost:9600";

  @Option(
      names = "--out",
      paramLabel = "DIR",
      description = "Write each picture there with its boxes drawn.")
  private @Nullable Path out;

  private final Set<Path> drawn = new HashSet<>();

  @Spec
  @SuppressWarnings("NullAway.Init") // by picocli
  private CommandSpec spec;

  @Override
  public Integer call() throws IOException, InterruptedException {
    for (Path image : images) {
      if (!Files.isReadable(image)) {
        throw new Mishap(image + ": no such file, or not to be read");
      }
    }
    if (out != null && Files.exists(out) && !Files.isDirectory(out)) {
      throw new Mishap("--out: " + out + " (expected: a directory, which may be missing)");
    }
    PrintWriter writer = spec.commandLine().getOut();
    int failed = 0;
    try (GatewayClient gateway = new GatewayClient(url)) {
      for (Path image : images) {
        long began = System.nanoTime();
        try {
          JsonNode answer = gateway.predict(model, image);
          show(writer, gateway, image, answer, (System.nanoTime() - began) / 1e6);
        } catch (Mishap e) {
          if (images.size() == 1) {
            throw e;
          }
          failed++;
          spec.commandLine().getErr().println(image + ": " + e.getMessage());
        }
      }
    }
    return failed == 0 ? 0 : 1;
  }

  private void show(
      PrintWriter writer, GatewayClient gateway, Path image, JsonNode answer, double millis)
      throws IOException, InterruptedException {
    writer.printf(
        Locale.ROOT,
        "%s  %dx%d  %.0f ms%n",
        image,
        answer.path("image").path("width").asInt(),
        answer.path("image").path("height").asInt(),
        millis);
    if (answer.has("detections")) {
      detections(writer, gateway, answer.path("detections"));
      if (out != null) {
        Files.createDirectories(out);
        writer.println("  drawn in " + paint(image, answer.path("detections"), out));
      }
    } else if (answer.has("predictions")) {
      for (JsonNode one : answer.path("predictions")) {
        writer.printf(
            Locale.ROOT,
            "  %-24s %.3f%n",
            one.path("label").asString(),
            one.path("confidence").asDouble());
      }
    } else if (answer.has("embedding")) {
      embedding(writer, answer.path("embedding"));
    } else {
      writer.println("  " + answer);
    }
    writer.flush();
  }

  private void detections(PrintWriter writer, GatewayClient gateway, JsonNode detections)
      throws IOException, InterruptedException {
    if (detections.isEmpty()) {
      List<String> labels = gateway.labels(model);
      String known = labels.isEmpty() ? "" : "; " + model + " knows " + String.join(", ", labels);
      writer.println("  nothing found" + known);
      return;
    }
    writer.printf("  %-24s %10s  %6s %6s %6s %6s%n", "label", "confidence", "x1", "y1", "x2", "y2");
    for (JsonNode one : detections) {
      JsonNode box = one.path("box");
      writer.printf(
          Locale.ROOT,
          "  %-24s %10.3f  %6.0f %6.0f %6.0f %6.0f%n",
          one.path("label").asString(),
          one.path("confidence").asDouble(),
          box.path(0).asDouble(),
          box.path(1).asDouble(),
          box.path(2).asDouble(),
          box.path(3).asDouble());
    }
  }

  private static void embedding(PrintWriter writer, JsonNode embedding) {
    StringBuilder line = new StringBuilder("  ").append(embedding.size()).append(" numbers:");
    for (int i = 0; i < Math.min(SHOWN_NUMBERS, embedding.size()); i++) {
      line.append(String.format(Locale.ROOT, " %.4f", embedding.path(i).asDouble()));
    }
    writer.println(line.append(embedding.size() > SHOWN_NUMBERS ? " ..." : ""));
  }

  private Path paint(Path image, JsonNode detections, Path folder) {
    String name = String.valueOf(image.getFileName()).replaceFirst("\\.[^.]*$", "") + "_" + model;
    Path target = folder.resolve(name + ".jpg");
    for (int i = 2; !drawn.add(target); i++) {
      target = folder.resolve(name + "_" + i + ".jpg"); // pictures of one name are all kept
    }
    try (BoxPainter painter = BoxPainter.over(image)) {
      detections.forEach(painter::draw);
      painter.write(target);
    }
    return target;
  }
}
