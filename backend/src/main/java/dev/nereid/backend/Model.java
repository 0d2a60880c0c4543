package dev.nereid.backend;

/**
 * One opened version of a model: what its instances share, such as weights.
 *
 * <p><b>Order.</b> Instances are made after opening and closed before the model is; {@code close}
 * is called once and frees everything, native memory too.
 */
public interface Model extends AutoCloseable {
  /** Makes one execution context. Called by one thread at a time. */
  Instance newInstance(Placement placement);

  /** A few words for the start-up report, such as the threads chosen; may be empty. */
  default String summary() {
    return "";
  }

  @Override
  void close();
}
