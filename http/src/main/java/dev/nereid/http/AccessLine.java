package dev.nereid.http;

import java.net.SocketAddress;

/**
 * What the access log tells of one request.
 *
 * @param millis when it was answered, Unix time
 * @param bytesIn of the request's body
 * @param bytes of the answer's body
 * @param nanos from its first byte to its answer
 */
record AccessLine(
    long millis,
    SocketAddress client,
    String method,
    String path,
    int status,
    int bytesIn,
    long bytes,
    long nanos,
    String id) {}
