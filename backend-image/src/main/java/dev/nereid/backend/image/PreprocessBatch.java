package dev.nereid.backend.image;

import dev.nereid.backend.Batch;
import dev.nereid.core.DataType;
import dev.nereid.core.Failure;
import dev.nereid.core.Fault;
import dev.nereid.core.FaultException;
import dev.nereid.core.InferRequest;
import dev.nereid.core.Lease;
import dev.nereid.core.Phase;
import dev.nereid.core.Shape;
import dev.nereid.core.Tensor;
import dev.nereid.image.Letterbox;
import dev.nereid.image.Preprocessor;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * One batch on its way through the pool: a slot of the slab for each picture, an outcome for each
 * request.
 *
 * <p><b>Ownership.</b> Each picture's task holds shares of its own of the slab and of the input, so
 * that one that is given up after the timeout still reads and writes valid memory.
 *
 * <p><b>Threading.</b> For the thread that executes the batch.
 */
final class PreprocessBatch {
  private static final int LETTERBOX_BYTES = Letterbox.FLOATS * Float.BYTES;

  private final Batch batch;
  private final PreprocessTensors tensors;
  private final Preprocessor preprocessor;
  private final boolean batching;
  private final int pixelBytes;
  private final CountDownLatch open;

  /** The pictures of a request, or why it has none. */
  private record Pictures(List<PictureTask> tasks, @Nullable Failure refusal) {}

  PreprocessBatch(
      Batch batch, PreprocessTensors tensors, Preprocessor preprocessor, boolean batching) {
    this.batch = batch;
    this.tensors = tensors;
    this.preprocessor = preprocessor;
    this.batching = batching;
    pixelBytes = preprocessor.recipe().tensorBytes();
    open = new CountDownLatch(batch.size());
  }

  void run(DecodePool pool) {
    try (Lease pixels = batch.memory().take(bytesFor(pixelBytes));
        Lease boxes = batch.memory().take(bytesFor(LETTERBOX_BYTES))) {
      List<Pictures> pictures = new ArrayList<>(batch.requests().size());
      batch.countsAs(Phase.PREPROCESS);
      batch.computeStarts();
      int slot = 0;
      for (int i = 0; i < batch.requests().size(); i++) {
        pictures.add(start(i, slot, pixels, pool));
        slot += batch.rows(i);
      }
      boolean ended = await();
      batch.computeEnds();
      slot = 0;
      for (int i = 0; i < pictures.size(); i++) {
        if (!ended) {
          pictures.get(i).tasks.forEach(task -> task.giveUp(tensors.timeoutMillis()));
        }
        settle(i, slot, pictures.get(i), pixels, boxes);
        slot += batch.rows(i);
      }
    }
  }

  private int bytesFor(int each) {
    long bytes = (long) each * batch.size();
    if (bytes > Integer.MAX_VALUE) {
      throw FaultException.of(
          Fault.TOO_LARGE,
          "batch: %d pictures of %d bytes each (expected: at most %d bytes together)"
              .formatted(batch.size(), each, Integer.MAX_VALUE));
    }
    return (int) bytes;
  }

  /** Hands a request's pictures to the pool. */
  private Pictures start(int index, int slot, Lease pixels, DecodePool pool) {
    InferRequest request = batch.requests().get(index);
    int rows = batch.rows(index);
    List<ByteBuffer> files;
    Lease input;
    try {
      Tensor tensor = batch.required(index, tensors.input());
      files = EncodedPictures.of(tensor, tensors.inputType(), rows);
      input = tensor.lease();
    } catch (FaultException e) {
      for (int row = 0; row < rows; row++) {
        open.countDown();
      }
      return new Pictures(List.of(), e.failure());
    }
    List<PictureTask> tasks = new ArrayList<>(rows);
    for (int row = 0; row < rows; row++) {
      ByteBuffer target = pixels.bytes((slot + row) * pixelBytes, pixelBytes);
      List<Lease> shares = List.of(pixels.share(), input.share());
      PictureTask task =
          new PictureTask(preprocessor, request, files.get(row), target, shares, open);
      tasks.add(task);
      submit(task, pool);
    }
    return new Pictures(tasks, null);
  }

  private static void submit(PictureTask task, DecodePool pool) {
    try {
      pool.submit(task);
    } catch (RejectedExecutionException | OutOfMemoryError e) {
      task.refuse(Fault.OVERLOADED.with("image: no thread to decode it: " + e.getMessage()));
    }
  }

  private boolean await() {
    try {
      return open.await(tensors.timeoutMillis(), TimeUnit.MILLISECONDS);
    } catch (InterruptedException _) {
      Thread.currentThread().interrupt();
      return false;
    }
  }

  private void settle(int index, int slot, Pictures pictures, Lease pixels, Lease boxes) {
    Failure failure = failureOf(pictures);
    if (failure == null) {
      batch.decoded(index, pictures.tasks.stream().mapToLong(PictureTask::decodeNanos).sum());
      answer(index, slot, pictures.tasks, pixels.share(), boxes.share());
    } else {
      batch.fail(index, failure);
    }
  }

  private static @Nullable Failure failureOf(Pictures pictures) {
    int count = pictures.tasks.size();
    for (int i = 0; i < count; i++) {
      Failure failure = pictures.tasks.get(i).failure();
      if (failure != null) {
        return count == 1
            ? failure
            : failure.prefixed("picture " + (i + 1) + " of " + count + ": ");
      }
    }
    return pictures.refusal;
  }

  private void answer(int index, int slot, List<PictureTask> tasks, Lease pixels, Lease boxes) {
    int rows = tasks.size();
    List<Tensor> outputs = new ArrayList<>(2);
    outputs.add(
        new Tensor(
            tensors.pixels().name(),
            tensors.pixels().type(),
            shape(tensors.pixels().dims(), rows),
            pixels,
            slot * pixelBytes,
            rows * pixelBytes));
    if (tensors.letterbox() != null) {
      Tensor letterbox =
          new Tensor(
              tensors.letterbox().name(),
              DataType.FP32,
              shape(tensors.letterbox().dims(), rows),
              boxes,
              slot * LETTERBOX_BYTES,
              rows * LETTERBOX_BYTES);
      ByteBuffer target = letterbox.bytes();
      tasks.forEach(task -> task.geometry().writeTo(target));
      outputs.add(letterbox);
    }
    batch.respond(index, outputs, List.of(pixels, boxes));
  }

  private Shape shape(Shape dims, int rows) {
    return batching ? dims.prepend(rows) : dims;
  }
}
