package dev.nereid.image;

import dev.nereid.core.Fault;
import dev.nereid.core.FaultException;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.util.Map;
import org.bytedeco.javacpp.Loader;
import org.bytedeco.javacpp.Pointer;
import org.bytedeco.opencv.global.opencv_core;
import org.bytedeco.opencv.global.opencv_imgcodecs;
import org.bytedeco.opencv.global.opencv_imgproc;

/**
 * The native library behind this room: when and how it is loaded.
 *
 * <p>It takes about a second, so it is loaded by the first model that needs it and not with the
 * program. One thread works on one picture: pictures, not rows, are what runs in parallel here.
 */
public final class OpenCv {
  /**
   * The binding would otherwise watch the memory of the whole process, collect garbage when it
   * finds it high, and refuse to work in the end; all that it gives out here is closed by hand.
   */
  private static final Map<String, String> BINDING =
      Map.of(
          "org.bytedeco.javacpp.maxBytes", "0",
          "org.bytedeco.javacpp.maxPhysicalBytes", "0",
          "org.bytedeco.javacpp.noPointerGC", "true");

  /** The library would otherwise write to the standard error, and keep threads for algebra. */
  private static final Map<String, String> ENVIRONMENT =
      Map.of("OPENCV_LOG_LEVEL", "SILENT", "OPENBLAS_NUM_THREADS", "1");

  private static volatile boolean loaded;

  private OpenCv() {}

  /** Whether the library is in use: something that works on pictures was loaded. */
  public static boolean isLoaded() {
    return loaded;
  }

  /** Whether the library is in use and works with the processor's vector instructions. */
  public static boolean isVectorised() {
    return loaded && opencv_core.useOptimized();
  }

  /**
   * Loads the library if that has not been done. Thread-safe; slow the first time.
   *
   * @throws FaultException with {@link Fault#UNSUPPORTED} when there is none for this machine
   */
  public static void load() {
    try {
      Loaded.touch();
      loaded = true;
    } catch (LinkageError e) { // the second time without its cause
      throw new FaultException(
          Fault.UNSUPPORTED.with(
              "image library: cannot be loaded on "
                  + System.getProperty("os.name")
                  + ", "
                  + System.getProperty("os.arch")
                  + ": "
                  + (e.getCause() == null ? e : e.getCause())),
          e);
    }
  }

  /** Does the work once, by being initialised. */
  private static final class Loaded {
    static {
      BINDING.forEach(System.getProperties()::putIfAbsent);
      ENVIRONMENT.forEach(Loaded::setEnvironment);
      Loader.load(opencv_core.class);
      Loader.load(opencv_imgproc.class);
      Loader.load(opencv_imgcodecs.class);
      opencv_core.setNumThreads(0);
    }

    static void touch() {}

    /** Sets a variable for native code, unless the user did. */
    @SuppressWarnings("restricted") // a call of the C library's own
    private static void setEnvironment(String name, String value) {
      Linker linker = Linker.nativeLinker();
      linker
          .defaultLookup()
          .find("setenv")
          .ifPresent(
              address -> {
                try (Arena arena = Arena.ofConfined()) {
                  int _ =
                      (int)
                          linker
                              .downcallHandle(
                                  address,
                                  FunctionDescriptor.of(
                                      ValueLayout.JAVA_INT,
                                      ValueLayout.ADDRESS,
                                      ValueLayout.ADDRESS,
                                      ValueLayout.JAVA_INT))
                              .invokeExact(arena.allocateFrom(name), arena.allocateFrom(value), 0);
                } catch (Throwable e) {
                  throw new IllegalStateException("environment variable " + name + ": not set", e);
                }
              });
    }
  }

  /** A native address that somebody else owns. */
  static final class Address extends Pointer {
    Address(long address) {
      super((Pointer) null);
      this.address = address;
    }

    /** Where the rest of a direct buffer lies. The buffer must stay reachable meanwhile. */
    static Address of(ByteBuffer direct) {
      if (!direct.isDirect()) {
        throw new IllegalArgumentException("buffer: on the heap (expected: direct)");
      }
      return new Address(MemorySegment.ofBuffer(direct).address());
    }
  }
}
