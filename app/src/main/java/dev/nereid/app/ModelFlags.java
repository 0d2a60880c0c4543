package dev.nereid.app;

import dev.nereid.engine.EngineOptions;
import dev.nereid.engine.EngineOptions.GpuUnavailable;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.TypeConversionException;

/** Options on what is served and how it is loaded. */
final class ModelFlags {
  @Option(
      names = {"--model-repository", "--model-store"},
      paramLabel = "DIR",
      description = "A model repository; may be repeated (default: the demo models).")
  private List<String> repositories = new ArrayList<>();

  @Option(
      names = "--model-config-name",
      paramLabel = "NAME",
      description = "Use configs/NAME.pbtxt of a model where it is present.")
  private String configName = "";

  @Option(
      names = "--disable-auto-complete-config",
      description = "Take config.pbtxt as it is; what the model's file says is not filled in.")
  private boolean noAutoComplete;

  @Option(
      names = "--strict-model-config",
      paramLabel = "BOOL",
      converter = OnOff.class,
      arity = "1",
      description = "Deprecated: true is --disable-auto-complete-config, and false is the default.")
  private @Nullable Boolean strictConfig;

  @Option(
      names = "--model-load-thread-count",
      paramLabel = "N",
      description = "Models loaded at a time (${DEFAULT-VALUE}).")
  private int loadThreads = 4;

  @Option(
      names = "--exit-on-error",
      paramLabel = "BOOL",
      converter = OnOff.class,
      arity = "1",
      description =
          "Whether a model that cannot be loaded ends the server (${DEFAULT-VALUE}; Triton: true).")
  private boolean exitOnError;

  @Option(
      names = "--gpu-unavailable",
      paramLabel = "refuse|cpu",
      converter = GpuUnavailableConverter.class,
      description = "What becomes of a model that asks for a GPU where there is none (refuse).")
  private GpuUnavailable withoutGpu = GpuUnavailable.REFUSE;

  @Option(
      names = "--backend-config",
      paramLabel = "[BACKEND,]KEY=VALUE",
      description = "A setting of one back end, or of all; may be repeated.")
  private List<String> backendSettings = new ArrayList<>();

  @Mixin private ControlFlags control = new ControlFlags();

  ServeOptions.Models options(Installation installation, EngineOptions.Shared shared) {
    List<Path> places = repositories.stream().map(ModelFlags::place).toList();
    return new ServeOptions.Models(
        places.isEmpty() ? List.of(installation.demoRepository()) : places,
        configName,
        !noAutoComplete && !Boolean.TRUE.equals(strictConfig),
        loadThreads,
        exitOnError,
        withoutGpu,
        settings(),
        shared,
        control.options(places.isEmpty()));
  }

  /** What is taken and should be said otherwise. */
  List<String> warnings() {
    if (strictConfig == null) {
      return List.of();
    }
    boolean overruled = noAutoComplete && !strictConfig;
    return List.of(
        "--strict-model-config is deprecated (expected: --disable-auto-complete-config %s)"
            .formatted(
                overruled
                    ? "alone, which counts here"
                    : strictConfig ? "in its place" : "left out, which is the default"));
  }

  private static Path place(String text) {
    int scheme = text.indexOf("://");
    if (scheme > 0) {
      throw new Mishap(
          "--model-repository: %s (expected: a directory; %s is not offered yet)"
              .formatted(text, text.substring(0, scheme + 3)));
    }
    return Path.of(text);
  }

  private Map<String, Map<String, String>> settings() {
    Map<String, Map<String, String>> byBackend = new HashMap<>();
    for (String setting : backendSettings) {
      int equals = setting.indexOf('=');
      int comma = setting.indexOf(',');
      if (equals < 1) {
        throw new Mishap("--backend-config: " + setting + " (expected: [BACKEND,]KEY=VALUE)");
      }
      boolean named = comma >= 0 && comma < equals;
      String backend = named ? setting.substring(0, comma) : "";
      String key = setting.substring(named ? comma + 1 : 0, equals);
      byBackend
          .computeIfAbsent(backend, _ -> new HashMap<>())
          .put(key, setting.substring(equals + 1));
    }
    return byBackend;
  }

  /** Reads {@link GpuUnavailable}. */
  static final class GpuUnavailableConverter implements ITypeConverter<GpuUnavailable> {
    @Override
    public GpuUnavailable convert(String value) {
      return switch (value) {
        case "refuse" -> GpuUnavailable.REFUSE;
        case "cpu" -> GpuUnavailable.CPU;
        default -> throw new TypeConversionException(value + " (expected: refuse or cpu)");
      };
    }
  }
}
