package dev.nereid.backend;

/**
 * Which instance of a model this is, and where it runs.
 *
 * @param group the name of its instance group
 * @param index among the instances of the model, from 0
 * @param gpu the device, or {@link #CPU}
 * @param passive whether it never executes by itself: the back end may use it from its others
 */
public record Placement(String group, int index, int gpu, boolean passive) {
  /** The device of what runs on the processor. */
  public static final int CPU = -1;

  /** An instance that executes. */
  public Placement(String group, int index, int gpu) {
    this(group, index, gpu, false);
  }
}
