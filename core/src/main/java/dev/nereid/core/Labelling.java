package dev.nereid.core;

import java.util.List;

/** What turns the outputs of one load of a model into classes. Immutable. */
public interface Labelling {
  /** Whether tensors have a batch dimension. */
  boolean batching();

  /** The labels of an output, by class; empty when it has none. */
  List<String> labels(String output);
}
