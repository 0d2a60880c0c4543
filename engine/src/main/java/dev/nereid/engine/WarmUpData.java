package dev.nereid.engine;

import dev.nereid.config.TensorSpec;
import dev.nereid.config.proto.ModelWarmup;
import dev.nereid.core.DataType;
import dev.nereid.core.Fault;
import dev.nereid.core.FaultException;
import dev.nereid.core.Lease;
import dev.nereid.core.MemoryPool;
import dev.nereid.core.Shape;
import dev.nereid.core.Tensor;
import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.SeekableByteChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Random;

/** Makes the tensors that models are warmed up with: zeros, random values, or a file's bytes. */
final class WarmUpData {
  private static final int LONGEST_TEXT = 16;
  private static final int LETTERS = 26;

  private final Path directory;
  private final MemoryPool memory;

  /** The same in every run, so that what fails once fails again. */
  private final Random random = new Random(1);

  /**
   * Data for one version.
   *
   * @param directory of the model; files lie in its folder {@code warmup}
   */
  WarmUpData(Path directory, MemoryPool memory) {
    this.directory = directory;
    this.memory = memory;
  }

  /**
   * A tensor as the configuration describes it; its lease is the caller's.
   *
   * @param batching whether the shape gets a batch dimension of 1
   * @throws FaultException when it is too large, or its file cannot be read or is too short
   */
  Tensor tensor(String name, ModelWarmup.Input input, boolean batching) {
    DataType type = TensorSpec.coreType(input.getDataType());
    Shape dims = Shape.of(input.getDimsList());
    long elements = elements(name, dims);
    Lease lease =
        switch (input.getInputDataTypeCase()) {
          case ZERO_DATA -> filled(name, type, elements, false);
          case RANDOM_DATA -> filled(name, type, elements, true);
          case INPUT_DATA_FILE -> file(name, input.getInputDataFile(), type, elements);
          case INPUTDATATYPE_NOT_SET ->
              throw FaultException.of(
                  Fault.INVALID_ARGUMENT,
                  "input '%s': no data (expected: zero_data, random_data or input_data_file)"
                      .formatted(name));
        };
    Shape shape = batching ? dims.prepend(1) : dims;
    return new Tensor(name, type, shape, lease, 0, lease.size());
  }

  private static long elements(String name, Shape dims) {
    long elements = 1;
    for (long dim : dims.dims()) {
      elements = Math.multiplyHigh(elements, dim) == 0 ? elements * dim : -1;
      if (elements < 0 || elements > Integer.MAX_VALUE) {
        throw FaultException.of(
            Fault.TOO_LARGE,
            "input '%s': dims %s (expected: fewer than 2^31 elements)".formatted(name, dims));
      }
    }
    return elements;
  }

  private static int bytes(String name, DataType type, long elements, int each) {
    long bytes = elements * each;
    if (bytes > Integer.MAX_VALUE) {
      throw FaultException.of(
          Fault.TOO_LARGE,
          "input '%s': %d elements of %s (expected: at most 2 GiB)"
              .formatted(name, elements, type));
    }
    return (int) bytes;
  }

  private Lease filled(String name, DataType type, long elements, boolean randomly) {
    if (!type.isFixedSize()) {
      int most = bytes(name, type, elements, Integer.BYTES + LONGEST_TEXT);
      return texts((int) elements, most, randomly);
    }
    Lease lease = memory.take(bytes(name, type, elements, type.byteSize()));
    ByteBuffer target = lease.bytes();
    while (target.hasRemaining()) {
      put(target, type, randomly ? random.nextFloat() : 0);
    }
    return lease;
  }

  /** Real numbers from 0 to 1; whole ones are 0 or 1, which are valid as indexes, too. */
  private static void put(ByteBuffer target, DataType type, float value) {
    long whole = Math.round(value);
    switch (type) {
      case BOOL, INT8, UINT8 -> target.put((byte) whole);
      case INT16, UINT16 -> target.putShort((short) whole);
      case INT32, UINT32 -> target.putInt((int) whole);
      case INT64, UINT64 -> target.putLong(whole);
      case FP16 -> target.putShort(Float.floatToFloat16(value));
      case BF16 -> target.putShort((short) (Float.floatToRawIntBits(value) >>> Short.SIZE));
      case FP32 -> target.putFloat(value);
      case FP64 -> target.putDouble(value);
      case BYTES -> throw new IllegalArgumentException("type: BYTES (expected: one of fixed size)");
    }
  }

  private Lease texts(int elements, int most, boolean randomly) {
    ByteBuffer text = ByteBuffer.allocate(most).order(ByteOrder.LITTLE_ENDIAN);
    for (int i = 0; i < elements; i++) {
      int length = randomly ? 1 + random.nextInt(LONGEST_TEXT) : 0;
      text.putInt(length);
      for (int j = 0; j < length; j++) {
        text.put((byte) ('a' + random.nextInt(LETTERS)));
      }
    }
    Lease lease = memory.take(text.position());
    lease.bytes().put(text.flip());
    return lease;
  }

  private Lease file(String name, String filename, DataType type, long elements) {
    Path file = directory.resolve("warmup").resolve(filename);
    try (SeekableByteChannel channel = Files.newByteChannel(file)) {
      if (!type.isFixedSize()) {
        return read(channel, bytes(name, type, channel.size(), 1));
      }
      int needed = bytes(name, type, elements, type.byteSize());
      if (channel.size() < needed) {
        throw FaultException.of(
            Fault.INVALID_ARGUMENT,
            "input '%s': %s has %d bytes (expected: %d for %d elements of %s)"
                .formatted(name, file, channel.size(), needed, elements, type));
      }
      return read(channel, needed);
    } catch (IOException e) {
      throw new FaultException(
          Fault.INVALID_ARGUMENT.with("input '%s': %s cannot be read".formatted(name, file)), e);
    }
  }

  private Lease read(SeekableByteChannel channel, int bytes) throws IOException {
    Lease lease = memory.take(bytes);
    try {
      ByteBuffer target = lease.bytes();
      while (target.hasRemaining()) {
        if (channel.read(target) < 0) {
          throw new EOFException("shorter than it was");
        }
      }
      return lease;
    } catch (IOException | RuntimeException e) {
      lease.close();
      throw e;
    }
  }
}
