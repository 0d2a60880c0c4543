package dev.nereid.server;

import dev.nereid.access.Need;

/** What the parts of v2 need their callers to be, where a listener asks who calls. */
final class V2Needs {
  private V2Needs() {}

  /** Of a route over HTTP, by its pattern. */
  static Need ofRoute(String pattern) {
    return pattern.endsWith("/index") ? Need.INFERENCE : of(Api.ofRoute(pattern));
  }

  /** Of a call over gRPC, by its method's name. */
  static Need ofMethod(String method) {
    return method.equals("RepositoryIndex") ? Need.INFERENCE : of(Api.ofMethod(method));
  }

  /** Which models there are is asked by balancers, too; it changes nothing. */
  private static Need of(Api api) {
    return switch (api) {
      case HEALTH -> Need.NOTHING;
      case METADATA, INFERENCE, SHARED_MEMORY, MODEL_CONFIG -> Need.INFERENCE;
      case STATISTICS -> Need.METRICS;
      case MODEL_REPOSITORY, TRACE, LOGGING -> Need.ADMINISTRATION;
    };
  }
}
