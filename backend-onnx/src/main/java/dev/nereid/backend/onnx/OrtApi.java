package dev.nereid.backend.onnx;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtLoggingLevel;
import dev.nereid.core.Fault;
import dev.nereid.core.FaultException;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.invoke.MethodHandle;

/**
 * The functions of ONNX Runtime's C API that run a model, by the foreign function interface.
 *
 * <p>Java's own binding opens sessions and describes graphs; a session that it opened runs through
 * here. That costs half as much per call, takes every type as the bytes it arrived in (the binding
 * has no unsigned integers above a byte, and strings only as UTF-8), and reads outputs of unknown
 * shape in place. The table of functions is versioned and only ever grows, so that positions in it
 * are fixed.
 *
 * <p>Pointers are longs here: on every platform of the runtime a pointer travels like one, and
 * nothing is allocated per call. Functions that answer with a pointer or number write it to {@code
 * out}. Thread-safe, as the C functions are.
 */
@SuppressWarnings("restricted") // native access is what it is for
final class OrtApi {
  /** One per process; making it loads the native libraries. */
  static final OrtEnvironment ENVIRONMENT = environment();

  /** The oldest version of the table that has every function used here. */
  private static final int VERSION = 16;

  private static final int LAST_POSITION = 252;
  private static final Linker LINKER = Linker.nativeLinker();
  private static final MemorySegment TABLE = table();

  private static final MethodHandle GET_ERROR_CODE = function(1, JAVA_INT, JAVA_LONG);
  private static final MethodHandle GET_ERROR_MESSAGE = pointers(2, 1);
  private static final MethodHandle RUN = pointers(9, 8);
  private static final MethodHandle CREATE_RUN_OPTIONS = pointers(39, 1);
  private static final MethodHandle SET_RUN_SEVERITY = function(41, JAVA_LONG, JAVA_LONG, JAVA_INT);
  private static final MethodHandle CREATE_TENSOR =
      function(48, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_INT, JAVA_LONG);
  private static final MethodHandle CREATE_TENSOR_OVER =
      function(
          49, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_INT,
          JAVA_LONG);
  private static final MethodHandle GET_DATA = pointers(51, 2);
  private static final MethodHandle GET_STRINGS_LENGTH = pointers(53, 2);
  private static final MethodHandle GET_STRINGS = pointers(54, 5);
  private static final MethodHandle GET_ELEMENT_TYPE = pointers(60, 2);
  private static final MethodHandle GET_RANK = pointers(61, 2);
  private static final MethodHandle GET_DIMENSIONS = pointers(62, 3);
  private static final MethodHandle GET_TYPE_AND_SHAPE = pointers(65, 2);
  private static final MethodHandle CREATE_CPU_MEMORY_INFO =
      function(69, JAVA_LONG, JAVA_INT, JAVA_INT, JAVA_LONG);
  private static final MethodHandle GET_DEFAULT_ALLOCATOR = pointers(78, 1);
  private static final MethodHandle RELEASE_STATUS = release(93);
  private static final MethodHandle RELEASE_VALUE = release(96);
  private static final MethodHandle RELEASE_RUN_OPTIONS = release(97);
  private static final MethodHandle RELEASE_TYPE_AND_SHAPE = release(99);
  private static final MethodHandle ADD_RUN_CONFIG = pointers(165, 3);
  private static final MethodHandle RESIZE_STRING = pointers(LAST_POSITION, 4);

  private OrtApi() {}

  private static OrtEnvironment environment() {
    Telemetry.forbidBeforeLoading();
    return Telemetry.forbid(
        OrtEnvironment.getEnvironment(OrtLoggingLevel.ORT_LOGGING_LEVEL_ERROR, "nereid"));
  }

  private static MemorySegment table() {
    MemorySegment getApiBase =
        SymbolLookup.loaderLookup()
            .find("OrtGetApiBase")
            .orElseThrow(
                () ->
                    new UnsatisfiedLinkError(
                        "OrtGetApiBase: not found (expected: in onnxruntime's native library,"
                            + " loaded by the class loader of this back end)"));
    try {
      MemorySegment base =
          (MemorySegment)
              LINKER.downcallHandle(getApiBase, FunctionDescriptor.of(ADDRESS)).invokeExact();
      MemorySegment getApi = base.reinterpret(ADDRESS.byteSize()).get(ADDRESS, 0);
      MemorySegment table =
          (MemorySegment)
              LINKER
                  .downcallHandle(getApi, FunctionDescriptor.of(ADDRESS, JAVA_INT))
                  .invokeExact(VERSION);
      return table.reinterpret((LAST_POSITION + 1) * ADDRESS.byteSize());
    } catch (Throwable e) {
      throw new ExceptionInInitializerError(e);
    }
  }

  private static MethodHandle function(
      int position, MemoryLayout result, MemoryLayout... arguments) {
    return LINKER.downcallHandle(
        TABLE.getAtIndex(ADDRESS, position), FunctionDescriptor.of(result, arguments));
  }

  private static MethodHandle pointers(int position, int count) {
    MemoryLayout[] arguments = new MemoryLayout[count];
    java.util.Arrays.fill(arguments, JAVA_LONG);
    return function(position, JAVA_LONG, arguments);
  }

  private static MethodHandle release(int position) {
    return LINKER.downcallHandle(
        TABLE.getAtIndex(ADDRESS, position), FunctionDescriptor.ofVoid(JAVA_LONG));
  }

  /** What the runtime answered in place of a result. */
  static final class OrtFailure extends RuntimeException {
    private final String text;

    OrtFailure(int code, String message) {
      super(message, null, false, false);
      text = "onnx runtime error " + code + ": " + message;
    }

    /** Whether a run refused to write an output to where it was told, as its shape is another. */
    boolean isAboutShapesOfOutputs() {
      return text.contains("pre-allocated output") || text.contains("shape verification failed");
    }

    /** The failure in the words of the server. */
    FaultException toFault() {
      return FaultException.of(Fault.BACKEND_FAILED, text);
    }
  }

  private static void check(long status) throws Throwable {
    if (status != 0) {
      int code = (int) GET_ERROR_CODE.invokeExact(status);
      long message = (long) GET_ERROR_MESSAGE.invokeExact(status);
      String text = MemorySegment.ofAddress(message).reinterpret(Long.MAX_VALUE).getString(0);
      RELEASE_STATUS.invokeExact(status);
      throw new OrtFailure(code, text);
    }
  }

  private static RuntimeException thrown(Throwable cause) {
    if (cause instanceof Error error) {
      throw error;
    }
    return cause instanceof RuntimeException unchecked
        ? unchecked
        : new IllegalStateException("onnxruntime: a call failed before it began", cause);
  }

  /** Runs a session on compact arrays of names and values; null values of outputs are filled in. */
  static void run(long session, long options, NativeValues inputs, NativeValues outputs) {
    try {
      check(
          (long)
              RUN.invokeExact(
                  session,
                  options,
                  inputs.names(),
                  inputs.values(),
                  inputs.count(),
                  outputs.names(),
                  outputs.count(),
                  outputs.values()));
    } catch (Throwable e) {
      throw thrown(e);
    }
  }

  static void createRunOptions(long out) {
    try {
      check((long) CREATE_RUN_OPTIONS.invokeExact(out));
    } catch (Throwable e) {
      throw thrown(e);
    }
  }

  /** Messages below that severity are not logged: 0 is everything, 4 is fatal ones. */
  static void setRunSeverity(long options, int severity) {
    try {
      check((long) SET_RUN_SEVERITY.invokeExact(options, severity));
    } catch (Throwable e) {
      throw thrown(e);
    }
  }

  static void addRunConfig(long options, long key, long value) {
    try {
      check((long) ADD_RUN_CONFIG.invokeExact(options, key, value));
    } catch (Throwable e) {
      throw thrown(e);
    }
  }

  /** A tensor in memory of the runtime's own. */
  static void createTensor(long allocator, long shape, long rank, int type, long out) {
    try {
      check((long) CREATE_TENSOR.invokeExact(allocator, shape, rank, type, out));
    } catch (Throwable e) {
      throw thrown(e);
    }
  }

  /** A tensor over memory of ours, which must stay until the value is released. */
  static void createTensorOver(
      long info, MemorySegment data, NativeShape shape, int type, long out) {
    try {
      check(
          (long)
              CREATE_TENSOR_OVER.invokeExact(
                  info, data.address(), data.byteSize(), shape.address(), shape.rank(), type, out));
    } catch (Throwable e) {
      throw thrown(e);
    }
  }

  static void getData(long value, long out) {
    try {
      check((long) GET_DATA.invokeExact(value, out));
    } catch (Throwable e) {
      throw thrown(e);
    }
  }

  static void getStringsLength(long value, long out) {
    try {
      check((long) GET_STRINGS_LENGTH.invokeExact(value, out));
    } catch (Throwable e) {
      throw thrown(e);
    }
  }

  /** All strings of a tensor back to back, and where each begins. */
  static void getStrings(long value, MemorySegment content, MemorySegment offsets, long count) {
    try {
      check(
          (long)
              GET_STRINGS.invokeExact(
                  value, content.address(), content.byteSize(), offsets.address(), count));
    } catch (Throwable e) {
      throw thrown(e);
    }
  }

  /** The buffer of one string of a tensor, made that long. */
  static void resizeString(long value, long index, long length, long out) {
    try {
      check((long) RESIZE_STRING.invokeExact(value, index, length, out));
    } catch (Throwable e) {
      throw thrown(e);
    }
  }

  static void getTypeAndShape(long value, long out) {
    try {
      check((long) GET_TYPE_AND_SHAPE.invokeExact(value, out));
    } catch (Throwable e) {
      throw thrown(e);
    }
  }

  static void getElementType(long info, long out) {
    try {
      check((long) GET_ELEMENT_TYPE.invokeExact(info, out));
    } catch (Throwable e) {
      throw thrown(e);
    }
  }

  static void getRank(long info, long out) {
    try {
      check((long) GET_RANK.invokeExact(info, out));
    } catch (Throwable e) {
      throw thrown(e);
    }
  }

  static void getDimensions(long info, long dims, long rank) {
    try {
      check((long) GET_DIMENSIONS.invokeExact(info, dims, rank));
    } catch (Throwable e) {
      throw thrown(e);
    }
  }

  static void createCpuMemoryInfo(long out) {
    try {
      check((long) CREATE_CPU_MEMORY_INFO.invokeExact(0, 0, out));
    } catch (Throwable e) {
      throw thrown(e);
    }
  }

  static void getDefaultAllocator(long out) {
    try {
      check((long) GET_DEFAULT_ALLOCATOR.invokeExact(out));
    } catch (Throwable e) {
      throw thrown(e);
    }
  }

  static void releaseValue(long value) {
    try {
      RELEASE_VALUE.invokeExact(value);
    } catch (Throwable e) {
      throw thrown(e);
    }
  }

  static void releaseRunOptions(long options) {
    try {
      RELEASE_RUN_OPTIONS.invokeExact(options);
    } catch (Throwable e) {
      throw thrown(e);
    }
  }

  static void releaseTypeAndShape(long info) {
    try {
      RELEASE_TYPE_AND_SHAPE.invokeExact(info);
    } catch (Throwable e) {
      throw thrown(e);
    }
  }
}
