package dev.nereid.backend.onnx;

import ai.onnxruntime.OrtSession;
import dev.nereid.backend.onnx.OnnxFile.Value;
import dev.nereid.core.DataType;
import dev.nereid.core.Fault;
import dev.nereid.core.FaultException;
import dev.nereid.core.Lease;
import dev.nereid.core.MemoryPool;
import dev.nereid.core.Shape;
import dev.nereid.core.Tensor;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.jspecify.annotations.Nullable;

/** One caller of a session: the same random inputs again and again. Confined to one thread. */
final class BareLoop implements AutoCloseable {
  private static final long SEED = 42;
  private static final int TEXT_LENGTH = 8;

  private final NativeRun run;
  private final List<Value> outputs;
  private final MemoryPool memory;
  private final int batch;
  private final List<Tensor> given = new ArrayList<>();

  /** By output: where it is written, or null if its shape is not known before. */
  private final List<@Nullable Tensor> placed = new ArrayList<>();

  BareLoop(
      OrtSession session, List<Value> inputs, List<Value> outputs, int batch, MemoryPool memory) {
    this.outputs = outputs;
    this.memory = memory;
    this.batch = batch;
    run =
        new NativeRun(
            session,
            inputs.stream().map(Value::name).toList(),
            outputs.stream().map(Value::name).toList(),
            Map.of());
    Random random = new Random(SEED);
    for (Value input : inputs) {
      given.add(randomTensor(input, random));
    }
    for (Value output : outputs) {
      placed.add(place(output));
    }
  }

  private Tensor randomTensor(Value value, Random random) {
    DataType type = value.type();
    Shape declared = value.shape();
    if (type == null || declared == null) {
      throw FaultException.of(Fault.UNSUPPORTED, "input " + value + " (expected: a tensor)");
    }
    Shape shape = concrete(declared, 1);
    long elements = shape.elementCount();
    long each = type.isFixedSize() ? type.byteSize() : Integer.BYTES + TEXT_LENGTH;
    Lease lease = memory.take(Math.toIntExact(elements * each));
    ByteBuffer bytes = lease.bytes();
    while (bytes.hasRemaining()) {
      putRandom(type, bytes, random);
    }
    return new Tensor(value.name(), type, shape, lease, 0, lease.size());
  }

  /** Numbers small enough to be indices, and real ones like those of normalised pictures. */
  private static void putRandom(DataType type, ByteBuffer bytes, Random random) {
    int small = random.nextInt(100);
    float real = random.nextFloat();
    switch (type) {
      case BOOL -> bytes.put((byte) (small & 1));
      case UINT8, INT8 -> bytes.put((byte) small);
      case UINT16, INT16 -> bytes.putShort((short) small);
      case UINT32, INT32 -> bytes.putInt(small);
      case UINT64, INT64 -> bytes.putLong(small);
      case FP16 -> bytes.putShort(Float.floatToFloat16(real));
      case BF16 -> bytes.putShort((short) (Float.floatToRawIntBits(real) >>> Short.SIZE));
      case FP32 -> bytes.putFloat(real);
      case FP64 -> bytes.putDouble(real);
      case BYTES -> {
        bytes.putInt(TEXT_LENGTH);
        for (int i = 0; i < TEXT_LENGTH; i++) {
          bytes.put((byte) ('0' + small % 10));
        }
      }
    }
  }

  private @Nullable Tensor place(Value output) {
    Shape declared = output.shape();
    DataType type = output.type();
    if (declared == null || declared.rank() == 0 || type == null || !type.isFixedSize()) {
      return null;
    }
    Shape shape = concrete(declared, -1);
    if (!shape.isConcrete()) {
      return null;
    }
    Lease lease = memory.take(Math.toIntExact(shape.elementCount() * type.byteSize()));
    return new Tensor(output.name(), type, shape, lease, 0, lease.size());
  }

  private Shape concrete(Shape declared, long free) {
    long[] dims = declared.dims();
    for (int i = 0; i < dims.length; i++) {
      if (dims[i] == -1) {
        dims[i] = i == 0 ? batch : free;
      }
    }
    return Shape.of(dims);
  }

  void run() {
    try {
      for (int i = 0; i < given.size(); i++) {
        run.addInput(i, given.get(i), given.get(i).shape());
      }
      for (int i = 0; i < outputs.size(); i++) {
        Tensor target = placed.get(i);
        if (target == null) {
          run.addOutput(i);
        } else {
          run.addOutput(i, target, target.shape());
        }
      }
      run.run();
    } catch (OrtApi.OrtFailure e) {
      throw e.toFault();
    } finally {
      run.release();
    }
  }

  @Override
  public void close() {
    run.close();
    given.forEach(tensor -> tensor.lease().close());
    placed.forEach(
        tensor -> {
          if (tensor != null) {
            tensor.lease().close();
          }
        });
  }
}
