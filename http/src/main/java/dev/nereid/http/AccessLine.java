package dev.nereid.http;

import dev.nereid.core.Timings;
import java.net.SocketAddress;

/**
 * What the access log tells of one request.
 *
 * @param millis when it was answered, Unix time
 * @param method of HTTP, or the call of gRPC
 * @param path of HTTP, or the model that a gRPC call names
 * @param status the number of HTTP, or the word of gRPC
 * @param bytesIn of the request's body
 * @param bytes of the answer's body
 * @param nanos from its first byte to its answer
 * @param id the caller's; may be empty
 * @param timings where the time went; {@link Timings#NONE} when no model answered
 * @param encodeNanos from the model's outputs to the answer
 * @param caller the name of who called; empty when nobody was asked, or it is not known
 * @param model that was asked, or that answered; empty for none
 * @param version that answered, or that was asked; -1 when it is not known
 * @param trace the name of the trace it belongs to; empty for none
 */
public record AccessLine(
    long millis,
    SocketAddress client,
    String method,
    String path,
    String status,
    long bytesIn,
    long bytes,
    long nanos,
    String id,
    Timings timings,
    long encodeNanos,
    String caller,
    String model,
    long version,
    String trace) {}
