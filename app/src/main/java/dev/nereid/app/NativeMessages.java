package dev.nereid.app;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;
import java.nio.charset.StandardCharsets;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Leads what C libraries print to {@code stderr} into the log, at its first verbose level.
 *
 * <p>libpng and libjpeg print a line for each damaged picture, and OpenCV leaves them no other way
 * to say it. The file descriptor stays as it is, for the JVM writes there too: only the C library's
 * variable {@code stderr} is set to another stream, one whose writer is a method here. That stream
 * keeps nothing back, so that nothing is left to write when the process ends. Where the C library
 * is not glibc, all stays as it is.
 */
final class NativeMessages {
  private static final Logger LOG = LoggerFactory.getLogger(NativeMessages.class);
  private static final int UNBUFFERED = 2; // _IONBF
  private static final long LONGEST = 4096;

  private NativeMessages() {}

  /** From now on, for the whole process. */
  @SuppressWarnings("restricted") // calls of the C library
  static void intoLog() {
    try {
      SymbolLookup library = Linker.nativeLinker().defaultLookup();
      if (library.find("gnu_get_libc_version").isEmpty()) {
        return;
      }
      MemorySegment stream = stream(library);
      Optional<MemorySegment> variable = variable(library);
      if (stream.address() != 0 && variable.isPresent()) {
        variable
            .get()
            .reinterpret(ValueLayout.ADDRESS.byteSize())
            .set(ValueLayout.ADDRESS, 0, stream);
      }
    } catch (Throwable e) {
      LOG.debug("messages of C libraries stay on the standard error", e);
    }
  }

  /** A stream of C's, as {@code fopencookie} makes one of functions. */
  @SuppressWarnings("restricted")
  private static MemorySegment stream(SymbolLookup library) throws Throwable {
    Linker linker = Linker.nativeLinker();
    Arena forEver = Arena.global();
    MemoryLayout functions = MemoryLayout.structLayout(address(), address(), address(), address());
    MemorySegment given = forEver.allocate(functions); // read, write, seek, close
    given.set(ValueLayout.ADDRESS, ValueLayout.ADDRESS.byteSize(), writer(linker, forEver));
    MemorySegment stream =
        (MemorySegment)
            linker
                .downcallHandle(
                    library.find("fopencookie").orElseThrow(),
                    FunctionDescriptor.of(address(), address(), address(), functions))
                .invokeExact(MemorySegment.NULL, forEver.allocateFrom("w"), given);
    if (stream.address() != 0) {
      int _ =
          (int)
              linker
                  .downcallHandle(
                      library.find("setvbuf").orElseThrow(),
                      FunctionDescriptor.of(
                          ValueLayout.JAVA_INT,
                          address(),
                          address(),
                          ValueLayout.JAVA_INT,
                          ValueLayout.JAVA_LONG))
                  .invokeExact(stream, MemorySegment.NULL, UNBUFFERED, 0L);
    }
    return stream;
  }

  /** {@link #written} as C calls it. */
  @SuppressWarnings("restricted")
  private static MemorySegment writer(Linker linker, Arena arena)
      throws ReflectiveOperationException {
    MethodHandle write =
        MethodHandles.lookup()
            .findStatic(
                NativeMessages.class,
                "written",
                MethodType.methodType(
                    long.class, MemorySegment.class, MemorySegment.class, long.class));
    return linker.upcallStub(
        write,
        FunctionDescriptor.of(
            ValueLayout.JAVA_LONG, ValueLayout.ADDRESS, ValueLayout.ADDRESS, ValueLayout.JAVA_LONG),
        arena);
  }

  /** Where the variable lies that all libraries of the process see. */
  @SuppressWarnings("restricted")
  private static Optional<MemorySegment> variable(SymbolLookup library) throws Throwable {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment found =
          (MemorySegment)
              Linker.nativeLinker()
                  .downcallHandle(
                      library.find("dlsym").orElseThrow(),
                      FunctionDescriptor.of(address(), address(), address()))
                  .invokeExact(MemorySegment.NULL, arena.allocateFrom("stderr"));
      return found.address() == 0 ? Optional.empty() : Optional.of(found);
    }
  }

  private static MemoryLayout address() {
    return ValueLayout.ADDRESS;
  }

  /** Called by C for each piece that is printed; nothing may be thrown into it. */
  @SuppressWarnings({"unused", "restricted"}) // through a method handle
  private static long written(MemorySegment cookie, MemorySegment bytes, long length) {
    try {
      if (LOG.isDebugEnabled()) {
        byte[] text = bytes.reinterpret(Math.min(length, LONGEST)).toArray(ValueLayout.JAVA_BYTE);
        String line = new String(text, StandardCharsets.ISO_8859_1).strip();
        if (!line.isEmpty()) {
          LOG.debug("{}", line);
        }
      }
    } catch (Throwable e) {
      // There is nobody to tell, and the process would end if it went on.
    }
    return length;
  }
}
