package dev.nereid.backend.onnx;

import ai.onnxruntime.NodeInfo;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtSession;
import ai.onnxruntime.TensorInfo;
import dev.nereid.backend.onnx.OnnxFile.Value;
import dev.nereid.core.Fault;
import dev.nereid.core.FaultException;
import dev.nereid.core.Shape;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Collection;
import java.util.List;
import java.util.Objects;

/** Opens sessions of the runtime and asks them what they are. Stateless. */
final class Sessions {
  private Sessions() {}

  /** Options to be filled in; they need the runtime loaded the way it is loaded here. */
  static OrtSession.SessionOptions newOptions() {
    Objects.requireNonNull(OrtApi.ENVIRONMENT, "onnxruntime: not loaded");
    return new OrtSession.SessionOptions();
  }

  /** Opens a file. The options may be closed afterwards. */
  static OrtSession open(Path file, OrtSession.SessionOptions options) {
    try {
      return OrtApi.ENVIRONMENT.createSession(file.toString(), options);
    } catch (OrtException e) {
      throw new FaultException(
          Fault.INVALID_ARGUMENT.with("file '" + file + "': " + e.getMessage()), e);
    }
  }

  static List<Value> inputs(OrtSession session) {
    try {
      return values(session.getInputInfo().values());
    } catch (OrtException e) {
      throw unexpected(e);
    }
  }

  static List<Value> outputs(OrtSession session) {
    try {
      return values(session.getOutputInfo().values());
    } catch (OrtException e) {
      throw unexpected(e);
    }
  }

  private static List<Value> values(Collection<NodeInfo> nodes) {
    return nodes.stream().map(Sessions::value).toList();
  }

  private static Value value(NodeInfo node) {
    if (!(node.getInfo() instanceof TensorInfo tensor)) {
      return new Value(node.getName(), null, null, List.of());
    }
    return new Value(
        node.getName(),
        ElementTypes.of(tensor.onnxType),
        Shape.of(tensor.getShape()),
        Arrays.asList(tensor.getDimensionNames()));
  }

  /** The same, with outputs as the runtime infers them from the graph. */
  static OnnxFile completed(OnnxFile parsed, Path file) {
    try (OrtSession.SessionOptions options = newOptions()) {
      options.setOptimizationLevel(OrtSession.SessionOptions.OptLevel.NO_OPT);
      options.setIntraOpNumThreads(1);
      options.setInterOpNumThreads(1);
      try (OrtSession session = open(file, options)) {
        return new OnnxFile(
            parsed.producer(), parsed.inputs(), outputs(session), parsed.metadata());
      }
    } catch (OrtException e) {
      throw unexpected(e);
    }
  }

  /** Frees a session, weights and all. */
  static void close(OrtSession session) {
    try {
      session.close();
    } catch (OrtException e) {
      throw unexpected(e);
    }
  }

  /** A failure of a call that has no reason to fail. */
  static FaultException unexpected(OrtException cause) {
    return new FaultException(Fault.INTERNAL.with("onnx runtime: " + cause.getMessage()), cause);
  }
}
