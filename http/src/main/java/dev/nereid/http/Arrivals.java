package dev.nereid.http;

/** When bytes of requests came. Confined to the event loop. */
interface Arrivals {
  /** When bytes were last read, on the ticker's line. */
  long readNanos();

  /** When the first byte of the request now decoded was read. */
  long firstByteNanos();

  /** Whether bytes are here that do not make a whole head or chunk yet. */
  boolean holdsPart();
}
