package dev.nereid.backend.onnx;

import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtSession;
import ai.onnxruntime.OrtSession.SessionOptions.ExecutionMode;
import ai.onnxruntime.OrtSession.SessionOptions.OptLevel;
import dev.nereid.backend.ModelContext;
import dev.nereid.config.proto.ModelConfig;
import dev.nereid.config.proto.ModelInstanceGroup;
import dev.nereid.core.Fault;
import dev.nereid.core.FaultException;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * How a session is opened and run, out of a model's configuration and the server's options.
 *
 * @param instances how many share the session
 * @param intraThreads of the session, the calling thread included
 * @param interThreads for branches of the graph; 1 unless it runs them in parallel
 * @param parallel whether branches of the graph run at the same time
 * @param arena whether freed memory is kept for the next run
 * @param patterns whether memory is planned once per shape
 * @param entries of the runtime's own configuration
 * @param runEntries the same for every run
 * @param libraries of custom operators, as the configuration names them
 */
record SessionSettings(
    int instances,
    int intraThreads,
    int interThreads,
    boolean parallel,
    OptLevel level,
    boolean arena,
    boolean patterns,
    Map<String, String> entries,
    Map<String, String> runEntries,
    List<String> libraries) {
  private static final String INTRA_THREADS = "intra_op_thread_count";
  private static final String INTER_THREADS = "inter_op_thread_count";
  private static final String SHRINKAGE = "memory.enable_memory_arena_shrinkage";
  private static final String INTRA_SPINNING = "session.intra_op.allow_spinning";
  private static final String INTER_SPINNING = "session.inter_op.allow_spinning";

  /** What the parameters of a configuration may begin with to be handed to the runtime. */
  private static final List<String> RUNTIME_PREFIXES =
      List.of("session.", "optimization.", "mlas.", "ep.");

  /**
   * The settings of a model.
   *
   * @throws FaultException when a value is no number, or asks for what this machine has not
   */
  static SessionSettings of(ModelContext context) {
    ModelConfig config = context.config();
    Accelerators.require(config);
    Parameters parameters = new Parameters(config, context.options());
    int instances = instances(config);
    boolean parallel = parameters.number("execution_mode", 0, 1) == 1;
    int intra = parameters.number(INTRA_THREADS, 0, Integer.MAX_VALUE);
    int inter = parameters.number(INTER_THREADS, 0, Integer.MAX_VALUE);
    return new SessionSettings(
        instances,
        intraThreads(intra, instances, context.cores()),
        parallel ? (inter > 0 ? inter : context.cores()) : 1,
        parallel,
        level(config.getOptimization().getGraph().getLevel()),
        parameters.number("enable_mem_arena", 1, 1) == 1,
        parameters.number("enable_mem_pattern", 1, 1) == 1,
        entries(config),
        runEntries(parameters),
        config.getModelOperations().getOpLibraryFilenameList());
  }

  private static int instances(ModelConfig config) {
    int sum = 0;
    for (ModelInstanceGroup group : config.getInstanceGroupList()) {
      sum += Math.max(1, group.getCount());
    }
    return Math.max(1, sum);
  }

  /**
   * The threads of one session that several instances share. Each instance brings its own thread
   * and is due so many that together they fill the cores, or as many as the configuration says; the
   * session needs all of them but the callers' own, and one caller is counted by the runtime.
   */
  static int intraThreads(int configured, int instances, int cores) {
    int each = configured > 0 ? configured : Math.max(1, cores / instances);
    return instances * (each - 1) + 1;
  }

  private static OptLevel level(int configured) {
    return switch (configured) {
      case -1 -> OptLevel.BASIC_OPT;
      case 0 -> OptLevel.ALL_OPT;
      case 1 -> OptLevel.EXTENDED_OPT;
      case 2 -> OptLevel.NO_OPT;
      default ->
          throw FaultException.of(
              Fault.INVALID_ARGUMENT,
              "optimization.graph.level: "
                  + configured
                  + " (expected: -1 basic, 0 all, 1 extended, 2 none)");
    };
  }

  private static Map<String, String> entries(ModelConfig config) {
    Map<String, String> entries = new HashMap<>();
    entries.put(INTRA_SPINNING, "0");
    entries.put(INTER_SPINNING, "0");
    config
        .getParametersMap()
        .forEach(
            (key, value) -> {
              if (RUNTIME_PREFIXES.stream().anyMatch(key::startsWith)) {
                entries.put(key, value.getStringValue());
              }
            });
    return Map.copyOf(entries);
  }

  /** Of the devices whose arena is to shrink after a run, the CPU's is the only one here. */
  private static Map<String, String> runEntries(Parameters parameters) {
    String devices = parameters.text(SHRINKAGE);
    return devices.contains("cpu:0") ? Map.of(SHRINKAGE, "cpu:0") : Map.of();
  }

  /** Opens the file; relative names of libraries are looked for beside it. */
  OrtSession open(Path file, Path directory) {
    try (OrtSession.SessionOptions options = Sessions.newOptions()) {
      options.setIntraOpNumThreads(intraThreads);
      options.setInterOpNumThreads(interThreads);
      options.setExecutionMode(parallel ? ExecutionMode.PARALLEL : ExecutionMode.SEQUENTIAL);
      options.setOptimizationLevel(level);
      options.setCPUArenaAllocator(arena);
      options.setMemoryPatternOptimization(patterns);
      for (Map.Entry<String, String> entry : entries.entrySet()) {
        options.addConfigEntry(entry.getKey(), entry.getValue());
      }
      for (String library : libraries) {
        options.registerCustomOpLibrary(directory.resolve(library).toString());
      }
      return Sessions.open(file, options);
    } catch (OrtException e) {
      throw new FaultException(
          Fault.INVALID_ARGUMENT.with("file '" + file + "': " + e.getMessage()), e);
    }
  }

  /** A few words for the start-up report. */
  String summary() {
    return "%d instance%s on one session, %d thread%s, spinning %s"
        .formatted(
            instances,
            instances == 1 ? "" : "s",
            instances + intraThreads - 1,
            instances + intraThreads == 2 ? "" : "s",
            "1".equals(entries.get(INTRA_SPINNING)) ? "on" : "off");
  }
}
