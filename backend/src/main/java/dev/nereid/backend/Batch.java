package dev.nereid.backend;

import dev.nereid.core.DataType;
import dev.nereid.core.Failure;
import dev.nereid.core.Fault;
import dev.nereid.core.FaultException;
import dev.nereid.core.InferRequest;
import dev.nereid.core.Lease;
import dev.nereid.core.MemoryPool;
import dev.nereid.core.Shape;
import dev.nereid.core.Tensor;
import dev.nereid.core.Ticker;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The requests of one execution, their inputs joined and their outputs split.
 *
 * <p><b>Ownership.</b> Inputs stay the requests'; {@link #gather} allocates only when the tensors
 * do not lie side by side already. Leases given with outputs belong to the batch from then on.
 *
 * <p><b>Threading.</b> Confined to the thread that executes, but for {@link #respond} and {@link
 * #fail}, which helpers of a back end may call for different requests at once.
 */
public final class Batch {
  private final List<InferRequest> requests;
  private final boolean batching;
  private final int[] rows;
  private final int size;
  private final MemoryPool memory;
  private final Ticker ticker;
  private final Outcome[] outcomes;
  private final List<Lease> gathered = new ArrayList<>();
  private int gathersSkipped;
  private long computeStarted;
  private long computeEnded;

  /** What became of one request. */
  private static final class Outcome {
    final List<Tensor> outputs = new ArrayList<>(4);
    final List<Lease> leases = new ArrayList<>(2);
    @Nullable Failure failure;
    boolean answered;
  }

  /**
   * A batch of these requests, in order.
   *
   * @param batching whether tensors have a batch dimension ({@code max_batch_size} above 0)
   */
  public Batch(List<InferRequest> requests, boolean batching, MemoryPool memory, Ticker ticker) {
    this.requests = requests;
    this.batching = batching;
    this.memory = memory;
    this.ticker = ticker;
    rows = new int[requests.size()];
    outcomes = new Outcome[requests.size()];
    int sum = 0;
    for (int i = 0; i < rows.length; i++) {
      rows[i] = batching ? rowsOf(requests.get(i)) : 1;
      sum += rows[i];
      outcomes[i] = new Outcome();
    }
    size = sum;
  }

  private static int rowsOf(InferRequest request) {
    return request.inputs().isEmpty() ? 1 : (int) request.inputs().getFirst().shape().dim(0);
  }

  /** The requests, in order. */
  public List<InferRequest> requests() {
    return requests;
  }

  /** The sum of the requests' batch sizes; a request of a model without batching counts as one. */
  public int size() {
    return size;
  }

  /** The batch size of one request. */
  public int rows(int request) {
    return rows[request];
  }

  /** Where outputs are allocated. */
  public MemoryPool memory() {
    return memory;
  }

  /**
   * An input of all requests as one tensor, joined along the batch dimension. Valid until the
   * execution ends. No byte is copied when there is one request, or when the tensors lie side by
   * side in one block.
   *
   * @throws FaultException when a request lacks the input
   */
  public Tensor gather(String name) {
    Tensor first = required(0, name);
    if (requests.size() == 1) {
      gathersSkipped++;
      return first;
    }
    long bytes = first.length();
    boolean adjacent = true;
    Tensor previous = first;
    for (int i = 1; i < requests.size(); i++) {
      Tensor next = required(i, name);
      adjacent &= previous.isFollowedBy(next);
      bytes += next.length();
      previous = next;
    }
    Shape shape = batching ? first.shape().withOuter(size) : first.shape();
    if (adjacent) {
      gathersSkipped++;
      return new Tensor(name, first.type(), shape, first.lease(), first.offset(), (int) bytes);
    }
    return copied(name, first.type(), shape, Math.toIntExact(bytes));
  }

  private Tensor copied(String name, DataType type, Shape shape, int bytes) {
    Lease lease = memory.take(bytes);
    gathered.add(lease);
    ByteBuffer target = lease.bytes();
    for (int i = 0; i < requests.size(); i++) {
      target.put(required(i, name).bytes());
    }
    return new Tensor(name, type, shape, lease, 0, bytes);
  }

  /** An input of one request. */
  public Tensor required(int request, String name) {
    Tensor tensor = requests.get(request).input(name);
    if (tensor == null) {
      throw FaultException.of(
          Fault.INVALID_ARGUMENT, "input '" + name + "': missing (expected: one tensor)");
    }
    return tensor;
  }

  /** Marks that inputs are ready and the model runs from now on. */
  public void computeStarts() {
    computeStarted = ticker.nanos();
  }

  /** Marks that the model has run and outputs are prepared from now on. */
  public void computeEnds() {
    computeEnded = ticker.nanos();
  }

  /**
   * Gives every request its rows of an output that covers the batch.
   *
   * @param output the batch's output, its first dimension the batch's size
   * @param lease what it lies in, which the batch takes over
   */
  public void scatter(Tensor output, Lease lease) {
    if (output.type() == DataType.BYTES && requests.size() > 1) {
      scatterBytes(output, lease);
      return;
    }
    if (batching && (output.shape().rank() == 0 || output.shape().dim(0) != size)) {
      lease.close();
      throw FaultException.of(
          Fault.BACKEND_FAILED,
          "output '%s': shape %s (expected: first dimension %d, the size of the batch)"
              .formatted(output.name(), output.shape(), size));
    }
    int rowBytes = batching ? output.length() / size : output.length();
    int offset = output.offset();
    for (int i = 0; i < rows.length; i++) {
      int length = batching ? rowBytes * rows[i] : rowBytes;
      Shape shape = batching ? output.shape().withOuter(rows[i]) : output.shape();
      Lease share = i == rows.length - 1 ? lease : lease.share();
      add(i, new Tensor(output.name(), output.type(), shape, share, offset, length), share);
      offset += length;
    }
  }

  private void scatterBytes(Tensor output, Lease lease) {
    long rowElements = output.shape().elementCount() / size;
    ByteBuffer bytes = output.bytes();
    for (int i = 0; i < rows.length; i++) {
      int from = bytes.position();
      for (long n = rowElements * rows[i]; n > 0; n--) {
        int length = bytes.getInt();
        bytes.position(bytes.position() + length);
      }
      int length = bytes.position() - from;
      Lease share = i == rows.length - 1 ? lease : lease.share();
      Shape shape = output.shape().withOuter(rows[i]);
      add(
          i,
          new Tensor(output.name(), DataType.BYTES, shape, share, output.offset() + from, length),
          share);
    }
  }

  private void add(int request, Tensor tensor, Lease lease) {
    Outcome outcome = outcomes[request];
    outcome.outputs.add(tensor);
    outcome.leases.add(lease);
    outcome.answered = true;
  }

  /** Answers one request with these outputs; their leases belong to the batch from now on. */
  public void respond(int request, List<Tensor> outputs, List<Lease> leases) {
    Outcome outcome = outcomes[request];
    outcome.outputs.addAll(outputs);
    outcome.leases.addAll(leases);
    outcome.answered = true;
  }

  /** Fails one request; the others go on. */
  public void fail(int request, Failure failure) {
    outcomes[request].failure = failure;
  }

  /** Why that request failed, or null. */
  public @Nullable Failure failureOf(int request) {
    Outcome outcome = outcomes[request];
    if (outcome.failure == null && !outcome.answered) {
      return Fault.BACKEND_FAILED.with("the back end gave no answer for this request");
    }
    return outcome.failure;
  }

  /** The outputs of that request, in the order the back end gave them. */
  public List<Tensor> outputsOf(int request) {
    return outcomes[request].outputs;
  }

  /** The leases those outputs lie in; whoever takes them closes them. */
  public List<Lease> leasesOf(int request) {
    return outcomes[request].leases;
  }

  /** How many inputs needed no copy, because one request or a slab held them side by side. */
  public int gathersSkipped() {
    return gathersSkipped;
  }

  /** How many inputs were copied side by side. */
  public int gathersCopied() {
    return gathered.size();
  }

  /** When the model began to run; 0 if the back end does not say. */
  public long computeStartedNanos() {
    return computeStarted;
  }

  /** When the model had run; 0 if the back end does not say. */
  public long computeEndedNanos() {
    return computeEnded;
  }

  /** Frees what gathering allocated. Called by the runner after the execution. */
  public void releaseInputs() {
    gathered.forEach(Lease::close);
    gathered.clear();
  }
}
