package dev.nereid.core;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.netty.buffer.ByteBuf;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CyclicBarrier;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Leases: who may look at bytes, for how long, and that every block goes back once. */
final class LeaseTest {
  private static final int BIG = 3 << 20;

  private final MemoryPool pool = new MemoryPool(new MemoryPool.Limits(64L << 20, 8L << 20));

  @AfterEach
  void nothingIsLeftOpen() {
    assertThat(pool.openLeases()).isZero();
    pool.close();
    assertThat(pool.heldBytes() - pool.usedBytes()).isNotNegative();
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 1, 64, 602_112, BIG})
  void holdsExactlyTheBytesAskedForInLittleEndian(int size) {
    try (Lease lease = pool.take(size)) {
      assertThat(lease.size()).isEqualTo(size);
      assertThat(lease.bytes().isDirect()).isTrue();
      assertThat(lease.bytes().remaining()).isEqualTo(size);
      if (size >= 4) {
        lease.bytes().putInt(0, 1);
        assertThat(lease.bytes().get(0)).isEqualTo((byte) 1);
      }
    }
  }

  @Test
  void aShareKeepsTheBlockAfterItsFirstOwnerLetGo() {
    Lease first = pool.copyOf(new byte[] {1, 2, 3});
    Lease second = first.share();
    first.close();
    assertThat(second.bytes().get(2)).isEqualTo((byte) 3);
    assertThat(first.sameBlock(second)).isTrue();
    second.close();
  }

  @Test
  void aClosedLeaseCannotBeUsedAndClosingTwiceIsHarmless() {
    Lease lease = pool.take(8);
    Lease other = lease.share();
    lease.close();
    lease.close();
    assertThatIllegalStateException().isThrownBy(lease::bytes);
    assertThatIllegalStateException().isThrownBy(lease::share);
    assertThat(other.bytes().remaining()).isEqualTo(8);
    other.close();
  }

  @Test
  void aTransportsBufferHoldsAShareOfItsOwn() {
    Lease lease = pool.copyOf(new byte[] {9, 8, 7});
    ByteBuf buffer = lease.buffer(1, 2);
    lease.close();
    assertThat(buffer.getByte(0)).isEqualTo((byte) 8);
    assertThat(buffer.release()).isTrue();
  }

  @Test
  void bigBlocksAreKeptForReuseUpToTheLimit() {
    pool.take(BIG).close();
    long held = pool.heldBytes();
    pool.take(BIG - 1000).close();
    assertThat(pool.heldBytes()).as("the same block served again").isEqualTo(held);
    List<Lease> many = new ArrayList<>();
    for (int i = 0; i < 8; i++) {
      many.add(pool.take(BIG));
    }
    many.forEach(Lease::close);
    assertThat(pool.heldBytes() - held).as("kept at most 8 MiB").isLessThanOrEqualTo(8L << 20);
    pool.trim();
    assertThat(pool.usedBytes()).isLessThan(BIG);
  }

  @Test
  void moreThanTheLimitIsRefusedAndCounted() {
    List<Lease> leases = new ArrayList<>();
    assertThatThrownBy(
            () -> {
              while (true) {
                leases.add(pool.take(16 << 20));
              }
            })
        .isInstanceOfSatisfying(
            FaultException.class, e -> assertThat(e.failure().fault()).isEqualTo(Fault.OVERLOADED));
    assertThat(leases).hasSize(4);
    assertThat(pool.refusals()).isEqualTo(1);
    leases.forEach(Lease::close);
    pool.take(16 << 20).close();
  }

  @Test
  void sizeClassesWasteLittleAndNeverLess() {
    for (int bytes = 1 << 20; bytes > 0 && bytes < 1_500_000_000; bytes += bytes / 7 + 13) {
      int size = MemoryPool.sizeClass(bytes);
      assertThat(size).isGreaterThanOrEqualTo(bytes);
      assertThat((double) size).isLessThanOrEqualTo(bytes * 1.25 + 8);
    }
  }

  @Test
  void completingCancellingAndReleasingAtOnceFreesEachBlockOnce() throws Exception {
    int rounds = 3_000;
    CyclicBarrier together = new CyclicBarrier(3);
    for (int size : new int[] {512, BIG}) {
      Lease[] leases = new Lease[rounds];
      Lease[] shares = new Lease[rounds];
      for (int i = 0; i < rounds; i++) {
        boolean few = size == BIG && i >= 4;
        leases[i] = pool.take(few ? 512 : size);
        shares[i] = leases[i].share();
      }
      List<Thread> closers =
          List.of(
              closer(together, leases, false),
              closer(together, leases, false),
              closer(together, shares, true));
      for (Thread thread : closers) {
        thread.join();
      }
      assertThat(pool.openLeases()).isZero();
    }
  }

  private static Thread closer(CyclicBarrier together, Lease[] leases, boolean shareFirst) {
    return Thread.ofPlatform()
        .start(
            () -> {
              try {
                together.await();
              } catch (Exception e) {
                throw new IllegalStateException(e);
              }
              for (Lease lease : leases) {
                if (shareFirst) {
                  lease.share().close();
                }
                lease.close();
              }
            });
  }
}
