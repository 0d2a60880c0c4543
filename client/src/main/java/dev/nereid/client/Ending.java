package dev.nereid.client;

import dev.nereid.core.Failure;
import dev.nereid.core.Fault;
import dev.nereid.core.FaultException;
import dev.nereid.protocol.GrpcStatusOf;
import io.grpc.Metadata;
import io.grpc.Status;
import java.util.List;
import java.util.concurrent.TimeUnit;

/**
 * How an attempt failed, and what follows from it.
 *
 * @param repeat where the call may be tried again
 * @param sign what it says of the target
 * @param backoffNanos what the server asks to wait before another attempt; -1 for nothing said
 */
record Ending(Failure failure, Repeat repeat, Sign sign, long backoffNanos) {

  /** When another attempt does no harm. */
  enum Repeat {
    /** Another attempt would fail as well, or must not be made. */
    NEVER,
    /** The request may have run: only where running it twice does no harm. */
    IF_STATELESS,
    /** The request did not run. */
    ALWAYS
  }

  /** What an ending says of the target. */
  enum Sign {
    /** Nothing: the trouble is the caller's, or this process's own. */
    NONE,
    /** The model has trouble there. */
    TROUBLE,
    /** There is no connection to it. */
    NO_CONNECTION,
    /** It lets go of the connection, as it may at any time. */
    LETS_GO,
    /** It says that it is ending. */
    STOPPING
  }

  /** gRPC's words for streams that a server never began with, or says so. */
  private static final List<String> NOT_BEGUN =
      List.of(
          "REFUSED_STREAM",
          "GOAWAY closed buffered stream",
          "Abrupt GOAWAY closed unsent stream",
          "Abrupt GOAWAY closed sent stream. HTTP/2 error code: NO_ERROR");

  private static final String AFTER_GOAWAY = "Connection closed after GOAWAY";
  private static final String NOT_SERVING = "Health-check service responded NOT_SERVING";

  private static final Metadata.Key<String> PUSHBACK =
      Metadata.Key.of("grpc-retry-pushback-ms", Metadata.ASCII_STRING_MARSHALLER);
  private static final Metadata.Key<String> CONTENT_TYPE =
      Metadata.Key.of("content-type", Metadata.ASCII_STRING_MARSHALLER);

  /**
   * What a status means.
   *
   * @param headers whether the server had begun to answer
   */
  static Ending of(Status status, Metadata trailers, boolean headers, String target) {
    String text = status.getDescription() == null ? "no description" : status.getDescription();
    if (!headers && !trailers.containsKey(CONTENT_TYPE)) {
      return unanswered(status, text, target);
    }
    if (isStranger(status.getCode())) {
      return new Ending(
          Fault.NOT_READY.with("upstream " + target + " does not let this gateway in: " + text),
          Repeat.ALWAYS,
          Sign.TROUBLE,
          -1);
    }
    Fault fault = fault(status.getCode(), trailers, text);
    long pushback = pushback(trailers);
    Repeat repeat =
        switch (fault) {
          case NOT_READY -> Repeat.ALWAYS;
          case NOT_FOUND -> text.contains("unknown model") ? Repeat.ALWAYS : Repeat.NEVER;
          case OVERLOADED, QUEUE_TIMEOUT -> pushback >= 0 ? Repeat.ALWAYS : Repeat.NEVER;
          case INVALID_ARGUMENT,
              UNPROCESSABLE,
              UNSUPPORTED_MEDIA,
              TOO_LARGE,
              ALREADY_EXISTS,
              UNSUPPORTED,
              DEADLINE_EXCEEDED,
              CANCELLED,
              BACKEND_FAILED,
              INTERNAL ->
              Repeat.NEVER;
        };
    boolean stopping = fault == Fault.NOT_READY && isStopping(text);
    return new Ending(fault.with(text), repeat, stopping ? Sign.STOPPING : signOf(fault), pushback);
  }

  /** The reply came and could not be used. */
  static Ending unusable(Failure failure) {
    return new Ending(failure, Repeat.NEVER, signOf(failure.fault()), -1);
  }

  /** The target was found stuck while the call was there. */
  static Ending stuck(String target) {
    return new Ending(
        Fault.NOT_READY.with("upstream " + target + " does not answer"),
        Repeat.IF_STATELESS,
        Sign.TROUBLE,
        -1);
  }

  private static Ending unanswered(Status status, String text, String target) {
    for (Throwable cause = status.getCause(); cause != null; cause = cause.getCause()) {
      if (cause instanceof FaultException own) {
        return unusable(own.failure()); // this process could not take the reply
      }
    }
    Failure gone = Fault.NOT_READY.with("upstream " + target + ": " + text);
    if (text.startsWith(NOT_SERVING)) {
      return new Ending(gone, Repeat.ALWAYS, Sign.STOPPING, -1);
    }
    if (NOT_BEGUN.stream().anyMatch(text::contains)) {
      return new Ending(gone, Repeat.ALWAYS, Sign.LETS_GO, -1);
    }
    if (text.contains(AFTER_GOAWAY)) {
      return new Ending(gone, Repeat.IF_STATELESS, Sign.LETS_GO, -1);
    }
    return switch (status.getCode()) {
      case DEADLINE_EXCEEDED ->
          new Ending(Fault.DEADLINE_EXCEEDED.with(text), Repeat.NEVER, Sign.TROUBLE, -1);
      // Nobody here cancelled it: the server let go of the stream.
      case UNAVAILABLE, CANCELLED -> lost(status, text, target);
      default ->
          new Ending(
              Fault.BACKEND_FAILED.with("upstream " + target + ": " + text),
              Repeat.NEVER,
              Sign.TROUBLE,
              -1);
    };
  }

  private static Ending lost(Status status, String text, String target) {
    boolean unsent = false;
    String why = text;
    for (Throwable cause = status.getCause(); cause != null; cause = cause.getCause()) {
      unsent |=
          cause instanceof java.net.ConnectException
              || cause instanceof java.net.UnknownHostException
              || cause instanceof java.nio.channels.UnresolvedAddressException;
      why = text + ": " + cause.getMessage();
    }
    return new Ending(
        Fault.NOT_READY.with("upstream " + target + ": " + why),
        unsent ? Repeat.ALWAYS : Repeat.IF_STATELESS,
        unsent ? Sign.NO_CONNECTION : Sign.TROUBLE,
        -1);
  }

  /** Whether the server does not know this process, or does not grant it the call. */
  static boolean isStranger(Status.Code code) {
    return code == Status.Code.UNAUTHENTICATED || code == Status.Code.PERMISSION_DENIED;
  }

  /** Whether it is the server that has trouble, and not the caller. */
  private static Sign signOf(Fault fault) {
    return switch (fault) {
      case NOT_READY, DEADLINE_EXCEEDED, BACKEND_FAILED, INTERNAL -> Sign.TROUBLE;
      case INVALID_ARGUMENT,
          UNPROCESSABLE,
          UNSUPPORTED_MEDIA,
          TOO_LARGE,
          NOT_FOUND,
          ALREADY_EXISTS,
          UNSUPPORTED,
          OVERLOADED,
          QUEUE_TIMEOUT,
          CANCELLED ->
          Sign.NONE;
    };
  }

  private static Fault fault(Status.Code code, Metadata trailers, String text) {
    Fault told = GrpcStatusOf.told(trailers);
    if (told != null) {
      return told;
    }
    return switch (code) {
      case INVALID_ARGUMENT, OUT_OF_RANGE, FAILED_PRECONDITION -> Fault.INVALID_ARGUMENT;
      case NOT_FOUND -> Fault.NOT_FOUND;
      case ALREADY_EXISTS -> Fault.ALREADY_EXISTS;
      case UNIMPLEMENTED -> Fault.UNSUPPORTED;
      case CANCELLED -> Fault.CANCELLED;
      case DEADLINE_EXCEEDED -> Fault.DEADLINE_EXCEEDED;
      case RESOURCE_EXHAUSTED -> text.contains("larger") ? Fault.TOO_LARGE : Fault.OVERLOADED;
      case UNAVAILABLE -> isNotReady(text) ? Fault.NOT_READY : Fault.OVERLOADED;
      case OK, UNKNOWN, INTERNAL, ABORTED, DATA_LOSS, PERMISSION_DENIED, UNAUTHENTICATED ->
          Fault.BACKEND_FAILED;
    };
  }

  /**
   * Triton says UNAVAILABLE of a full queue, a model that is not there, and loads it does not do.
   */
  private static boolean isNotReady(String text) {
    return isStopping(text)
        || text.contains("not at ready state")
        || text.contains("unknown model")
        || text.contains("no available versions")
        || text.contains("load / unload is not allowed");
  }

  private static boolean isStopping(String text) {
    return text.contains("is stopping") || text.contains("Server exiting");
  }

  private static long pushback(Metadata trailers) {
    String text = trailers.get(PUSHBACK);
    if (text == null) {
      return -1;
    }
    try {
      return Math.max(-1, TimeUnit.MILLISECONDS.toNanos(Long.parseLong(text)));
    } catch (NumberFormatException e) {
      return -1;
    }
  }
}
