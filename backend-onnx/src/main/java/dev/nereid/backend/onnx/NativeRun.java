package dev.nereid.backend.onnx;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import ai.onnxruntime.OrtSession;
import dev.nereid.core.DataType;
import dev.nereid.core.Fault;
import dev.nereid.core.FaultException;
import dev.nereid.core.Lease;
import dev.nereid.core.MemoryPool;
import dev.nereid.core.Shape;
import dev.nereid.core.Tensor;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.util.List;
import java.util.Map;

/**
 * Runs a session, again and again: {@code add...} for each input and wanted output, {@link #run},
 * {@link #take} for each output that the run made itself, {@link #release}.
 *
 * <p>Confined to one thread at a time; several may share a session. The session must stay open
 * until this is closed.
 */
@SuppressWarnings("restricted") // native access is what it is for
final class NativeRun implements AutoCloseable {
  /** Failures go to the caller; of the runtime's own log lines only fatal ones are let through. */
  private static final int FATAL = 4;

  private static final VarHandle SESSION_HANDLE = sessionHandle();

  /** Describes memory of ours to the runtime. One for the process, never released. */
  private static final long CPU_MEMORY = once(OrtApi::createCpuMemoryInfo);

  /** Allocates strings. Belongs to the runtime. */
  private static final long ALLOCATOR = once(OrtApi::getDefaultAllocator);

  private final Arena arena = Arena.ofShared();
  private final MemorySegment out = arena.allocate(JAVA_LONG);
  private final NativeShape shape = new NativeShape(arena);
  private final NativeValues inputs;
  private final NativeValues outputs;
  private final long session;
  private final long options;

  /**
   * Prepares to run that session.
   *
   * @param runConfig entries of the runtime's run options
   */
  NativeRun(
      OrtSession session,
      List<String> inputNames,
      List<String> outputNames,
      Map<String, String> runConfig) {
    this.session = (long) SESSION_HANDLE.get(session);
    inputs = new NativeValues(arena, inputNames);
    outputs = new NativeValues(arena, outputNames);
    OrtApi.createRunOptions(out.address());
    options = out.get(JAVA_LONG, 0);
    OrtApi.setRunSeverity(options, FATAL);
    runConfig.forEach(
        (key, value) ->
            OrtApi.addRunConfig(
                options, arena.allocateFrom(key).address(), arena.allocateFrom(value).address()));
  }

  private static VarHandle sessionHandle() {
    try {
      return MethodHandles.privateLookupIn(OrtSession.class, MethodHandles.lookup())
          .findVarHandle(OrtSession.class, "nativeHandle", long.class);
    } catch (ReflectiveOperationException e) {
      throw new ExceptionInInitializerError(e);
    }
  }

  private interface Getter {
    void write(long out);
  }

  private static long once(Getter getter) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment out = arena.allocate(JAVA_LONG);
      getter.write(out.address());
      return out.get(JAVA_LONG, 0);
    }
  }

  /** Adds an input of that number; the tensor's bytes must stay until {@link #release}. */
  void addInput(int index, Tensor tensor, Shape modelShape) {
    if (tensor.type() != DataType.BYTES) {
      addOver(inputs, index, tensor, modelShape);
      return;
    }
    shape.set(modelShape);
    OrtApi.createTensor(
        ALLOCATOR,
        shape.address(),
        shape.rank(),
        ElementTypes.numberOf(DataType.BYTES),
        out.address());
    long value = out.get(JAVA_LONG, 0);
    inputs.add(index, value);
    NativeStrings.fill(value, tensor, out);
  }

  /** Adds an output of that number that the run writes where the tensor lies. */
  void addOutput(int index, Tensor target, Shape modelShape) {
    addOver(outputs, index, target, modelShape);
  }

  /** Adds an output of that number that the run makes itself. */
  void addOutput(int index) {
    outputs.add(index, 0);
  }

  private void addOver(NativeValues values, int index, Tensor tensor, Shape modelShape) {
    OrtApi.createTensorOver(
        CPU_MEMORY,
        MemorySegment.ofBuffer(tensor.bytes()),
        shape.set(modelShape),
        ElementTypes.numberOf(tensor.type()),
        out.address());
    values.add(index, out.get(JAVA_LONG, 0));
  }

  /** Runs the model. Blocks until it has run. */
  void run() {
    OrtApi.run(session, options, inputs, outputs);
  }

  /**
   * A copy of an output that the run made, at its place among those added, in a lease of its own.
   */
  Tensor take(int place, String name, MemoryPool memory) {
    long value = outputs.get(place);
    if (value == 0) {
      throw FaultException.of(
          Fault.BACKEND_FAILED, "output '" + name + "': empty (expected: a tensor)");
    }
    OrtApi.getTypeAndShape(value, out.address());
    long info = out.get(JAVA_LONG, 0);
    try {
      return copied(value, typeOf(info, name), shapeOf(info), name, memory);
    } finally {
      OrtApi.releaseTypeAndShape(info);
    }
  }

  private DataType typeOf(long info, String name) {
    OrtApi.getElementType(info, out.address());
    int number = out.get(JAVA_INT, 0);
    DataType type = ElementTypes.ofNumber(number);
    if (type == null) {
      throw FaultException.of(
          Fault.UNSUPPORTED,
          "output '" + name + "': ONNX type " + number + " (expected: one of the v2 protocol)");
    }
    return type;
  }

  private Shape shapeOf(long info) {
    OrtApi.getRank(info, out.address());
    long rank = out.get(JAVA_LONG, 0);
    NativeShape.requireRank(rank);
    OrtApi.getDimensions(info, shape.address(), rank);
    return shape.read(rank);
  }

  private Tensor copied(long value, DataType type, Shape actual, String name, MemoryPool memory) {
    long elements = actual.elementCount();
    if (type == DataType.BYTES) {
      Lease lease = NativeStrings.read(value, elements, memory, out);
      return new Tensor(name, type, actual, lease, 0, lease.size());
    }
    long bytes = elements * type.byteSize();
    if (bytes > Integer.MAX_VALUE) {
      throw FaultException.of(
          Fault.BACKEND_FAILED,
          "output '%s': %d bytes (expected: at most %d)".formatted(name, bytes, Integer.MAX_VALUE));
    }
    OrtApi.getData(value, out.address());
    MemorySegment source = MemorySegment.ofAddress(out.get(JAVA_LONG, 0)).reinterpret(bytes);
    Lease lease = memory.take((int) bytes);
    MemorySegment.ofBuffer(lease.bytes()).copyFrom(source);
    return new Tensor(name, type, actual, lease, 0, (int) bytes);
  }

  /** Forgets the inputs and outputs of the last run; the tensors themselves are not touched. */
  void release() {
    inputs.release();
    outputs.release();
  }

  /** Forgets the outputs only, to run once more on the same inputs. */
  void releaseOutputs() {
    outputs.release();
  }

  @Override
  public void close() {
    release();
    OrtApi.releaseRunOptions(options);
    arena.close();
  }
}
