package dev.nereid.client;

/**
 * What has gone over sockets: payload of TCP, with all framing above it and nothing below.
 *
 * @param bytesOut written
 * @param bytesIn read
 * @param connectionsOpened that came about so far
 * @param connectionsOpen at this moment
 */
public record Traffic(long bytesOut, long bytesIn, long connectionsOpened, long connectionsOpen) {
  /** What was added since an earlier reading; the connections open now. */
  public Traffic since(Traffic earlier) {
    return new Traffic(
        bytesOut - earlier.bytesOut,
        bytesIn - earlier.bytesIn,
        connectionsOpened - earlier.connectionsOpened,
        connectionsOpen);
  }
}
