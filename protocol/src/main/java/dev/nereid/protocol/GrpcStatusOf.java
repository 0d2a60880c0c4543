package dev.nereid.protocol;

import dev.nereid.core.Failure;
import dev.nereid.core.Fault;
import io.grpc.Status;

/** The gRPC statuses of v2. */
public final class GrpcStatusOf {
  private GrpcStatusOf() {}

  /** The status code that tells of a fault. */
  public static Status.Code fault(Fault fault) {
    return switch (fault) {
      case INVALID_ARGUMENT, UNPROCESSABLE, UNSUPPORTED_MEDIA -> Status.Code.INVALID_ARGUMENT;
      case TOO_LARGE -> Status.Code.RESOURCE_EXHAUSTED;
      case ALREADY_EXISTS -> Status.Code.ALREADY_EXISTS;
      case CANCELLED -> Status.Code.CANCELLED;
      case NOT_FOUND -> Status.Code.NOT_FOUND;
      case BACKEND_FAILED, INTERNAL -> Status.Code.INTERNAL;
      case UNSUPPORTED -> Status.Code.UNIMPLEMENTED;
      case NOT_READY, OVERLOADED, QUEUE_TIMEOUT -> Status.Code.UNAVAILABLE;
      case DEADLINE_EXCEEDED -> Status.Code.DEADLINE_EXCEEDED;
    };
  }

  /** The status with the failure's text. */
  public static Status failure(Failure failure) {
    return fault(failure.fault()).toStatus().withDescription(failure.message());
  }
}
