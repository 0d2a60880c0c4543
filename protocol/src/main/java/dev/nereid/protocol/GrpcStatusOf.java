package dev.nereid.protocol;

import dev.nereid.core.Failure;
import dev.nereid.core.Fault;
import io.grpc.Metadata;
import io.grpc.Status;
import org.jspecify.annotations.Nullable;

/** The gRPC statuses of v2. */
public final class GrpcStatusOf {
  /** The trailer that tells the fault by its name: several have the same status. */
  private static final Metadata.Key<String> FAULT =
      Metadata.Key.of("nereid-fault", Metadata.ASCII_STRING_MARSHALLER);

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

  /** Adds the fault's name, for a caller that tells faults apart more finely than statuses do. */
  public static void tell(Fault fault, Metadata trailers) {
    trailers.put(FAULT, fault.name());
  }

  /** The fault that the trailers name; null when they name none, or one that is not known. */
  public static @Nullable Fault told(Metadata trailers) {
    String name = trailers.get(FAULT);
    for (Fault fault : Fault.values()) {
      if (fault.name().equals(name)) {
        return fault;
      }
    }
    return null;
  }

  /** The status with the failure's text. */
  public static Status failure(Failure failure) {
    return fault(failure.fault()).toStatus().withDescription(failure.message());
  }
}
