package dev.nereid.backend;

import dev.nereid.core.Failure;
import dev.nereid.core.Fault;
import dev.nereid.core.FaultException;
import dev.nereid.core.InferRequest;
import dev.nereid.core.Lease;
import dev.nereid.core.MemoryPool;
import dev.nereid.core.Phase;
import dev.nereid.core.Shape;
import dev.nereid.core.Tensor;
import dev.nereid.core.Ticker;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The requests of one execution, their inputs joined and their outputs split.
 *
 * <p><b>Ownership.</b> Inputs stay the requests'; {@link #gather} allocates only when the tensors
 * do not lie side by side already. Leases given with outputs belong to the batch from then on, also
 * when the call that gives them throws.
 *
 * <p><b>Outcomes.</b> {@link #respond} and {@link #fail} settle one request; what comes later for
 * it is dropped. Outputs given by {@link #scatter} count when the execution returns: until then
 * {@link #failRest} takes them back, so that no request is answered with half of its outputs. An
 * output that a request did not ask for is not kept for it.
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
  private final Tensor[] parts;
  private final List<Lease> gathered = new ArrayList<>(2);
  private int gathersSkipped;
  private long computeStarted;
  private long computeEnded;
  private Phase kind = Phase.COMPUTE;

  /**
   * A batch of these requests, in order.
   *
   * @param batching whether tensors have a batch dimension ({@code max_batch_size} above 0); if
   *     not, only {@link #respond}, {@link #fail} and {@link #required} take more than one request
   */
  public Batch(List<InferRequest> requests, boolean batching, MemoryPool memory, Ticker ticker) {
    this.requests = requests;
    this.batching = batching;
    this.memory = memory;
    this.ticker = ticker;
    rows = new int[requests.size()];
    outcomes = new Outcome[requests.size()];
    parts = new Tensor[requests.size()];
    int sum = 0;
    for (int i = 0; i < rows.length; i++) {
      rows[i] = batching ? rowsOf(requests.get(i)) : 1;
      sum += rows[i];
      outcomes[i] = new Outcome();
    }
    size = sum;
  }

  private static int rowsOf(InferRequest request) {
    if (request.inputs().isEmpty() || request.inputs().getFirst().shape().rank() == 0) {
      return 1;
    }
    return Math.toIntExact(request.inputs().getFirst().shape().dim(0));
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

  /** Whether every caller has withdrawn, so that nobody waits for this execution. */
  public boolean isCancelled() {
    return requests.stream().allMatch(InferRequest::isCancelled);
  }

  /** Whether any request that is not settled asks for that output. */
  public boolean wants(String output) {
    for (int i = 0; i < rows.length; i++) {
      if (takes(i, output)) {
        return true;
      }
    }
    return false;
  }

  private boolean takes(int request, String output) {
    return !outcomes[request].settled && requests.get(request).asksFor(output);
  }

  /**
   * An input of all requests as one tensor, joined along the batch dimension. Valid until the
   * execution ends. No byte is copied when there is one request, or when the tensors lie side by
   * side in one block.
   *
   * @throws FaultException when a request lacks the input, or when it does not fit the others
   */
  public Tensor gather(String name) {
    Tensor first = required(0, name);
    if (rows.length == 1) {
      gathersSkipped++;
      return first;
    }
    requireBatching();
    for (int i = 0; i < rows.length; i++) {
      Tensor next = required(i, name);
      Shape shape = next.shape();
      if (next.type() != first.type()
          || shape.rank() == 0
          || shape.dim(0) != rows[i]
          || !shape.sameInner(first.shape())) {
        throw RowJoiner.misfit(next, rows[i], first);
      }
      parts[i] = next;
    }
    return join(name, first.shape().withOuter(size));
  }

  /**
   * A ragged input of all requests as one flat tensor: the elements of each, back to back, without
   * the batch dimension. Valid until the execution ends.
   *
   * @throws FaultException when a request lacks the input or brings another type
   */
  public Tensor gatherRagged(String name) {
    Tensor first = required(0, name);
    long elements = 0;
    for (int i = 0; i < rows.length; i++) {
      Tensor next = required(i, name);
      if (next.type() != first.type()) {
        throw RowJoiner.misfit(next, rows[i], first);
      }
      elements += next.shape().elementCount();
      parts[i] = next;
    }
    return join(name, Shape.of(elements));
  }

  private Tensor join(String name, Shape shape) {
    RowJoiner joiner = new RowJoiner(name, shape, parts);
    if (joiner.isAdjacent()) {
      gathersSkipped++;
      return joiner.inPlace();
    }
    Tensor joined = joiner.copied(memory);
    gathered.add(joined.lease());
    return joined;
  }

  private void requireBatching() {
    if (!batching && rows.length > 1) {
      throw new IllegalStateException(
          "batch: " + rows.length + " requests (expected: one, the model does not batch)");
    }
  }

  /**
   * An input of one request.
   *
   * @throws FaultException when the request lacks it
   */
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

  /** What the execution counts as, when it is no computing: preprocessing or postprocessing. */
  public void countsAs(Phase phase) {
    kind = phase;
  }

  /** What the execution counts as. */
  public Phase kind() {
    return kind;
  }

  /** Tells how much of the execution went into decoding a request's pictures. */
  public void decoded(int request, long nanos) {
    outcomes[request].decodeNanos = nanos;
  }

  /** How much of the execution went into decoding a request's pictures. */
  public long decodeNanos(int request) {
    return outcomes[request].decodeNanos;
  }

  /**
   * Gives every request its rows of an output that covers the batch.
   *
   * @param output the batch's output, its first dimension the batch's size
   * @param lease what it lies in, which the batch takes over
   * @throws FaultException when the output does not cover the batch
   */
  public void scatter(Tensor output, Lease lease) {
    try {
      split(output, lease);
    } catch (RuntimeException e) {
      lease.close();
      throw e;
    }
  }

  private void split(Tensor output, Lease lease) {
    requireBatching();
    requireCovers(output);
    int last = rows.length - 1;
    while (last >= 0 && !takes(last, output.name())) {
      outcomes[last].answered = true;
      last--;
    }
    if (last < 0) {
      lease.close();
      return;
    }
    if (rows.length == 1) {
      outcomes[0].keep(output, lease);
      return;
    }
    RowCutter cutter = new RowCutter(output, size);
    for (int i = 0; i < last; i++) {
      outcomes[i].answered = true;
      cutter.advance(rows[i]);
      if (takes(i, output.name())) {
        Lease share = lease.share();
        outcomes[i].keep(cutter.piece(share), share);
      }
    }
    cutter.advance(rows[last]);
    outcomes[last].keep(cutter.piece(lease), lease);
  }

  /**
   * Gives every request its part of a flat output: as many elements as its input of that name has,
   * in that input's shape. The counterpart of {@link #gatherRagged}.
   *
   * @param output flat, of a type whose elements have one size
   * @param lease what it lies in, which the batch takes over
   * @throws FaultException when the output has another number of elements
   */
  public void scatterRagged(Tensor output, Lease lease, String input) {
    try {
      int offset = output.offset();
      for (int i = 0; i < rows.length; i++) {
        Shape shape = required(i, input).shape();
        int length = Math.toIntExact(shape.elementCount() * output.type().byteSize());
        if (takes(i, output.name()) && offset - output.offset() + length <= output.length()) {
          Lease share = lease.share();
          outcomes[i].keep(
              new Tensor(output.name(), output.type(), shape, share, offset, length), share);
        }
        outcomes[i].answered = true;
        offset += length;
      }
      if (offset - output.offset() != output.length()) {
        throw FaultException.of(
            Fault.BACKEND_FAILED,
            "output '%s': %d bytes (expected: %d, the elements of input '%s')"
                .formatted(output.name(), output.length(), offset - output.offset(), input));
      }
    } finally {
      lease.close();
    }
  }

  private void requireCovers(Tensor output) {
    if (batching && (output.shape().rank() == 0 || output.shape().dim(0) != size)) {
      throw FaultException.of(
          Fault.BACKEND_FAILED,
          "output '%s': shape %s (expected: first dimension %d, the size of the batch)"
              .formatted(output.name(), output.shape(), size));
    }
  }

  /**
   * Answers one request with these outputs; their leases belong to the batch from now on. Outputs
   * that the request did not ask for are left out.
   */
  public void respond(int request, List<Tensor> outputs, List<Lease> leases) {
    Outcome outcome = outcomes[request];
    if (outcome.settled) {
      leases.forEach(Lease::close);
      return;
    }
    outcome.leases.addAll(leases);
    for (int i = 0; i < outputs.size(); i++) {
      if (requests.get(request).asksFor(outputs.get(i).name())) {
        outcome.outputs.add(outputs.get(i));
      }
    }
    outcome.answered = true;
    outcome.settled = true;
  }

  /** Fails one request; the others go on. */
  public void fail(int request, Failure failure) {
    if (!outcomes[request].settled) {
      outcomes[request].failWith(failure);
    }
  }

  /**
   * Fails every request that is not settled, and frees the outputs it has so far. Called by the
   * runner when the execution threw.
   */
  public void failRest(Failure failure) {
    for (int i = 0; i < outcomes.length; i++) {
      fail(i, failure);
    }
  }

  /** Why that request failed, or null. */
  public @Nullable Failure failureOf(int request) {
    Outcome outcome = outcomes[request];
    if (outcome.failure == null && !outcome.answered) {
      return Fault.BACKEND_FAILED.with("the back end gave no answer for this request");
    }
    return outcome.failure;
  }

  /** The outputs of that request, in the order the back end gave them; empty if it failed. */
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
    for (int i = 0; i < gathered.size(); i++) {
      gathered.get(i).close();
    }
    gathered.clear();
  }
}
