package dev.nereid.core;

import static org.assertj.core.api.Assertions.assertThat;

import io.netty.buffer.ByteBufAllocator;
import org.junit.jupiter.api.Test;

final class LeakGateTest {
  @Test
  void aForgottenBufferIsReported() throws InterruptedException {
    forget();
    assertThat(LeakGate.reports()).singleElement().asString().contains("LEAK:", "forget");
    assertThat(LeakGate.reports()).isEmpty();
  }

  private static void forget() {
    ByteBufAllocator.DEFAULT.directBuffer(7);
  }

  @Test
  void aForgottenLeaseIsReported() throws InterruptedException {
    var pool = new MemoryPool(MemoryPool.Limits.DEFAULT);
    forgetLease(pool);
    assertThat(LeakGate.reports()).isNotEmpty();
  }

  private static void forgetLease(MemoryPool pool) {
    pool.take(7);
  }
}
