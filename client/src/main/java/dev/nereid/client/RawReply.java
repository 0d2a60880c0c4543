package dev.nereid.client;

import io.netty.buffer.ByteBuf;

/**
 * A reply as it came: the gRPC message or the HTTP body. Valid only inside {@link
 * Receiver#received}.
 *
 * @param body not the receiver's to release
 * @param jsonLength the bytes of JSON before the first binary tensor of an HTTP body; -1 where the
 *     reply does not say
 */
public record RawReply(ByteBuf body, int jsonLength) {}
