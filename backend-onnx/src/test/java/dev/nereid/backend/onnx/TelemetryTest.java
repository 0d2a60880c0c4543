package dev.nereid.backend.onnx;

import static org.assertj.core.api.Assertions.assertThat;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.DisabledOnOs;
import org.junit.jupiter.api.condition.OS;

@SuppressWarnings("restricted") // asks C
final class TelemetryTest {
  @Test
  @DisabledOnOs(OS.WINDOWS)
  void theRuntimeIsLoadedWithoutLeaveToReport() throws Throwable {
    assertThat(OrtApi.ENVIRONMENT.getVersion()).isNotEmpty();
    Linker linker = Linker.nativeLinker();
    var getenv =
        linker.downcallHandle(
            linker.defaultLookup().findOrThrow("getenv"),
            FunctionDescriptor.of(ValueLayout.ADDRESS, ValueLayout.ADDRESS));
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment value =
          (MemorySegment) getenv.invokeExact(arena.allocateFrom("ORT_DISABLE_TELEMETRY"));
      assertThat(value.reinterpret(Long.MAX_VALUE).getString(0)).isEqualTo("1");
    }
  }
}
