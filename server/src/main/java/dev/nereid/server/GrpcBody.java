package dev.nereid.server;

import dev.nereid.core.FaultException;
import dev.nereid.core.Lease;
import org.jspecify.annotations.Nullable;

/**
 * The bytes of one ModelInferRequest, or why they could not be kept. Whoever has it takes the lease
 * or closes it; both may happen more than once, on the call's thread.
 */
final class GrpcBody {
  private final GrpcAdmission admission;
  private final int length;
  private final @Nullable FaultException refusal;
  private @Nullable Lease lease;
  private boolean admitted;

  private GrpcBody(
      GrpcAdmission admission,
      int length,
      @Nullable Lease lease,
      @Nullable FaultException refusal) {
    this.admission = admission;
    this.length = length;
    this.lease = lease;
    this.refusal = refusal;
    admitted = refusal == null;
  }

  static GrpcBody of(GrpcAdmission admission, Lease lease) {
    return new GrpcBody(admission, lease.size(), lease, null);
  }

  static GrpcBody refused(GrpcAdmission admission, FaultException refusal) {
    return new GrpcBody(admission, 0, null, refusal);
  }

  /**
   * Hands the bytes to the caller.
   *
   * @throws FaultException when they were refused
   */
  Lease take() {
    if (refusal != null) {
      throw refusal;
    }
    Lease taken = lease;
    if (taken == null) {
      throw new IllegalStateException("gRPC message: taken twice");
    }
    lease = null;
    return taken;
  }

  /** The number of bytes; 0 when they were refused. */
  int length() {
    return length;
  }

  /** The request has its outcome: makes room for others, and gives back what was not taken. */
  void end() {
    Lease left = lease;
    lease = null;
    if (left != null) {
      left.close();
    }
    if (admitted) {
      admitted = false;
      admission.finished(length);
    }
  }
}
