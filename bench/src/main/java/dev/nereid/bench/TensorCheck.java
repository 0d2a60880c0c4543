package dev.nereid.bench;

import dev.nereid.client.InferOutput;
import dev.nereid.client.InferResult;
import dev.nereid.client.InferenceClient;
import dev.nereid.client.InferenceException;
import dev.nereid.client.RawReply;
import io.netty.buffer.ByteBufUtil;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.atomic.AtomicReferenceArray;

/**
 * Compares replies of the v2 protocol: by their bytes first, which is cheap and nearly always
 * enough, then by their tensors, in which floating point may differ a little, because the order of
 * summation in a batch is not that of a single request.
 */
final class TensorCheck implements ReplyCheck {
  private static final double RELATIVE = 1e-3;
  private static final double ABSOLUTE = 1e-4;

  private final InferenceClient client;
  private final AtomicReferenceArray<Expected> expected;

  private record Expected(ByteBuffer bytes, InferResult result) {}

  TensorCheck(InferenceClient client, int variants) {
    this.client = client;
    this.expected = new AtomicReferenceArray<>(variants);
  }

  @Override
  public void learn(int variant, RawReply reply) {
    expected.set(
        variant,
        new Expected(ByteBuffer.wrap(ByteBufUtil.getBytes(reply.body())), client.decode(reply)));
  }

  @Override
  public boolean matches(int variant, RawReply reply) {
    Expected right = expected.get(variant);
    if (right.bytes.equals(reply.body().nioBuffer())) {
      return true;
    }
    try {
      return same(right.result.outputs(), client.decode(reply).outputs());
    } catch (InferenceException e) {
      return false;
    }
  }

  static boolean same(List<InferOutput> right, List<InferOutput> got) {
    if (right.size() != got.size()) {
      return false;
    }
    for (int i = 0; i < right.size(); i++) {
      InferOutput a = right.get(i);
      InferOutput b = got.get(i);
      if (!a.name().equals(b.name())
          || a.type() != b.type()
          || !a.shape().equals(b.shape())
          || !sameValues(a, b)) {
        return false;
      }
    }
    return true;
  }

  private static boolean sameValues(InferOutput a, InferOutput b) {
    return switch (a.type()) {
      case FP32, FP16, BF16 -> close(widen(a.floats()), widen(b.floats()));
      case FP64 -> close(a.doubles(), b.doubles());
      case BOOL, BYTES, INT8, INT16, INT32, INT64, UINT8, UINT16, UINT32, UINT64 ->
          a.data().equals(b.data());
    };
  }

  private static boolean close(double[] a, double[] b) {
    if (a.length != b.length) {
      return false;
    }
    for (int i = 0; i < a.length; i++) {
      if (Math.abs(a[i] - b[i]) > ABSOLUTE + RELATIVE * Math.abs(a[i])
          || Double.isNaN(a[i]) != Double.isNaN(b[i])) {
        return false;
      }
    }
    return true;
  }

  private static double[] widen(float[] values) {
    double[] wide = new double[values.length];
    Arrays.setAll(wide, i -> values[i]);
    return wide;
  }
}
