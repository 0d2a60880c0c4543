package dev.nereid.client;

/** Where a target stands, as this process sees it. */
public enum TargetState {
  /** It was not asked yet. */
  UNKNOWN,
  /** It answers. */
  LIVE,
  /** It answers much slower than the others, and gets single calls until it is as fast again. */
  SLOW,
  /** It says that it is ending; others get its calls while there are any. */
  STOPPING,
  /** It keeps the connection and does not answer in time. */
  STUCK,
  /** There is no connection to it. */
  UNREACHABLE
}
