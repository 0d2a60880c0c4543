package dev.nereid.gateway;

import dev.nereid.core.Failure;
import dev.nereid.core.InferResponse;

/** What became of one picture. */
sealed interface Outcome {
  /** The picture. */
  Item item();

  /** An answer, which the holder closes. */
  record Answered(Item.Picture item, InferResponse response) implements Outcome {}

  /** No answer, and why. */
  record Failed(Item item, Failure failure) implements Outcome {}
}
