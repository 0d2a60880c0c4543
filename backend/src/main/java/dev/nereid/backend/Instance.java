package dev.nereid.backend;

/**
 * One execution context of a model.
 *
 * <p><b>Threading.</b> Owned by one platform thread: {@code execute} is never called by two at a
 * time. It may block.
 *
 * <p><b>Order.</b> Any number of {@code execute}; {@code close} once, when none is running; nothing
 * after that.
 */
public interface Instance extends AutoCloseable {
  /**
   * Answers every request of the batch, by {@link Batch#scatter} for all or {@link Batch#respond}
   * and {@link Batch#fail} for one. A thrown exception fails those that are not settled by {@code
   * respond} or {@code fail} yet ({@link Batch#failRest}).
   *
   * <p>Tensors come and go in the shapes of the configuration's {@code dims}, under a batch
   * dimension if the model batches; a back end whose model wants another form applies {@link
   * Reshape}. An input that is {@code optional} is brought by all requests of a batch or by none.
   */
  void execute(Batch batch);

  @Override
  default void close() {}
}
