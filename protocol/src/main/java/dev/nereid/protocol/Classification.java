package dev.nereid.protocol;

import dev.nereid.core.DataType;
import dev.nereid.core.Fault;
import dev.nereid.core.FaultException;
import dev.nereid.core.InferResponse;
import dev.nereid.core.Lease;
import dev.nereid.core.MemoryPool;
import dev.nereid.core.RequestedOutput;
import dev.nereid.core.Shape;
import dev.nereid.core.Tensor;
import java.math.BigDecimal;
import java.math.RoundingMode;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.PriorityQueue;
import java.util.function.Function;

/**
 * Outputs as their top classes: BYTES elements {@code value:index} or {@code value:index:label}, in
 * descending order of value. Stateless.
 */
public final class Classification {
  /** Outputs with more elements to a batch item are refused. */
  static final int MAX_ELEMENTS = 1_000_000;

  private static final int DECIMALS = 6;
  private static final int LENGTH_PREFIX = 4;

  private final boolean batching;
  private final Function<String, List<String>> labels;
  private final MemoryPool memory;

  /**
   * Classes for the outputs of one model.
   *
   * @param batching whether tensors have a batch dimension
   * @param labels those of an output, by class; may be empty
   * @param memory where the texts are allocated
   */
  public Classification(
      boolean batching, Function<String, List<String>> labels, MemoryPool memory) {
    this.batching = batching;
    this.labels = labels;
    this.memory = memory;
  }

  /** Whether any of the outputs is wanted as classes. */
  public static boolean isWanted(List<RequestedOutput> outputs) {
    for (int i = 0; i < outputs.size(); i++) {
      if (outputs.get(i).classes() > 0) {
        return true;
      }
    }
    return false;
  }

  /**
   * The response with the outputs that are wanted as classes replaced. It owns what the given one
   * owned; when this throws, nothing has changed hands.
   *
   * @throws FaultException when an output's type has no order or it is too large
   */
  public InferResponse applyTo(InferResponse response, List<RequestedOutput> requested) {
    List<Tensor> outputs = new ArrayList<>(response.outputs());
    List<Lease> leases = new ArrayList<>(response.leases());
    try {
      for (RequestedOutput wanted : requested) {
        for (int i = 0; i < outputs.size(); i++) {
          if (wanted.classes() > 0 && outputs.get(i).name().equals(wanted.name())) {
            Tensor classes = topClasses(outputs.get(i), wanted.classes());
            outputs.set(i, classes);
            leases.add(classes.lease());
          }
        }
      }
    } catch (RuntimeException e) {
      leases.subList(response.leases().size(), leases.size()).forEach(Lease::close);
      throw e;
    }
    return new InferResponse(
        response.model(),
        response.version(),
        response.id(),
        response.parameters(),
        outputs,
        leases,
        response.timings());
  }

  private Tensor topClasses(Tensor output, int wanted) {
    requireOrdered(output);
    boolean rows = batching && output.shape().rank() > 0;
    long batch = rows ? output.shape().dim(0) : 1;
    long perItem = batch == 0 ? 0 : output.shape().elementCount() / batch;
    if (perItem > MAX_ELEMENTS) {
      throw FaultException.of(
          Fault.INVALID_ARGUMENT,
          "class result not available for output '%s': %d elements (expected: at most %d to a batch item)"
              .formatted(output.name(), perItem, MAX_ELEMENTS));
    }
    int k = (int) Math.min(wanted, perItem);
    List<String> names = labels.apply(output.name());
    List<byte[]> texts = new ArrayList<>();
    for (int item = 0; item < batch; item++) {
      Values values = new Values(output.type(), output.bytes(), (int) (item * perItem));
      for (int index : top(values, (int) perItem, k)) {
        String label = index < names.size() ? ":" + names.get(index) : "";
        String text = values.text(index) + ":" + index + label;
        texts.add(text.getBytes(StandardCharsets.UTF_8));
      }
    }
    return tensor(output.name(), rows ? Shape.of(batch, k) : Shape.of(k), texts);
  }

  private static void requireOrdered(Tensor output) {
    switch (output.type()) {
      case UINT8, UINT16, UINT32, UINT64, INT8, INT16, INT32, INT64, FP32, FP64 -> {}
      case BOOL, FP16, BF16, BYTES ->
          throw FaultException.of(
              Fault.INVALID_ARGUMENT,
              "class result not available for output due to unsupported type '"
                  + output.type()
                  + "'");
    }
  }

  /** The indices of the greatest values, the greatest first; of equals, the lower index first. */
  private static List<Integer> top(Values values, int count, int k) {
    PriorityQueue<Integer> worstFirst = new PriorityQueue<>((a, b) -> values.compare(b, a));
    for (int i = 0; i < count; i++) {
      if (worstFirst.size() < k) {
        worstFirst.add(i);
      } else if (k > 0 && values.compare(i, worstFirst.element()) < 0) {
        worstFirst.remove();
        worstFirst.add(i);
      }
    }
    List<Integer> best = new ArrayList<>(worstFirst);
    best.sort(values::compare);
    return best;
  }

  private Tensor tensor(String name, Shape shape, List<byte[]> texts) {
    int bytes = 0;
    for (byte[] text : texts) {
      bytes += LENGTH_PREFIX + text.length;
    }
    Lease lease = memory.take(bytes);
    ByteBuffer target = lease.bytes();
    for (byte[] text : texts) {
      target.putInt(text.length).put(text);
    }
    return new Tensor(name, DataType.BYTES, shape, lease, 0, bytes);
  }

  /** The values of one batch item. */
  private record Values(DataType type, ByteBuffer bytes, int first) {
    private boolean isFloat() {
      return type == DataType.FP32 || type == DataType.FP64;
    }

    private double real(int index) {
      int at = bytes.position() + (first + index) * type.byteSize();
      return type == DataType.FP32 ? bytes.getFloat(at) : bytes.getDouble(at);
    }

    private long integer(int index) {
      int at = bytes.position() + (first + index) * type.byteSize();
      return switch (type) {
        case INT8 -> bytes.get(at);
        case UINT8 -> bytes.get(at) & 0xFF;
        case INT16 -> bytes.getShort(at);
        case UINT16 -> bytes.getShort(at) & 0xFFFF;
        case INT32 -> bytes.getInt(at);
        case UINT32 -> bytes.getInt(at) & 0xFFFFFFFFL;
        default -> bytes.getLong(at);
      };
    }

    /** Negative when the first comes before the second. What is not a number comes last. */
    int compare(int one, int other) {
      int order;
      if (isFloat()) {
        double a = real(one);
        double b = real(other);
        boolean number = !Double.isNaN(a) && !Double.isNaN(b);
        order = number ? Double.compare(b, a) : Boolean.compare(Double.isNaN(a), Double.isNaN(b));
      } else if (type == DataType.UINT64) {
        order = Long.compareUnsigned(integer(other), integer(one));
      } else {
        order = Long.compare(integer(other), integer(one));
      }
      return order != 0 ? order : Integer.compare(one, other);
    }

    /** The value as C prints it by {@code %f}, or as a whole number. */
    String text(int index) {
      if (!isFloat()) {
        long value = integer(index);
        return type == DataType.UINT64 ? Long.toUnsignedString(value) : Long.toString(value);
      }
      double value = real(index);
      if (Double.isNaN(value) || Double.isInfinite(value)) {
        return Double.isNaN(value) ? "nan" : value > 0 ? "inf" : "-inf";
      }
      String text =
          new BigDecimal(value).setScale(DECIMALS, RoundingMode.HALF_EVEN).toPlainString();
      boolean lostSign = !text.startsWith("-") && (value < 0 || 1 / value < 0);
      return lostSign ? "-" + text : text;
    }
  }
}
