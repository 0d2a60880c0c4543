package dev.nereid.core;

import java.util.Locale;

/** A part of the time that a request takes. */
public enum Phase {
  /** Waiting in queues of models. */
  QUEUE,
  /** Encoded pictures become pixels. */
  DECODE,
  /** Pixels become the input of a network; waiting for the batch's other pictures included. */
  PREPROCESS,
  /** Networks and other models run, gathering of inputs and handing out of outputs included. */
  COMPUTE,
  /** Raw outputs become answers. */
  POSTPROCESS,
  /** Answers become bytes on their way to the socket. */
  ENCODE;

  private final String word = name().toLowerCase(Locale.ROOT);

  /** The name in metrics, headers and logs. */
  public String word() {
    return word;
  }
}
