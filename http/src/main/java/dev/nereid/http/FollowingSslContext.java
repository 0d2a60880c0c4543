package dev.nereid.http;

import io.netty.buffer.ByteBufAllocator;
import io.netty.handler.ssl.ApplicationProtocolNegotiator;
import io.netty.handler.ssl.SslContext;
import io.netty.util.IllegalReferenceCountException;
import java.util.List;
import java.util.function.Function;
import java.util.function.Supplier;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.SSLSessionContext;

/** Begins each connection with the context that is in force then. Thread-safe. */
final class FollowingSslContext extends SslContext {
  private final Supplier<SslContext> inForce;

  FollowingSslContext(Supplier<SslContext> inForce) {
    this.inForce = inForce;
  }

  @Override
  public boolean isClient() {
    return false;
  }

  @Override
  public List<String> cipherSuites() {
    return inForce.get().cipherSuites();
  }

  @Override
  @SuppressWarnings("deprecation") // declared so by Netty, and asked for by gRPC
  public ApplicationProtocolNegotiator applicationProtocolNegotiator() {
    return inForce.get().applicationProtocolNegotiator();
  }

  @Override
  public SSLEngine newEngine(ByteBufAllocator allocator) {
    return engine(context -> context.newEngine(allocator));
  }

  @Override
  public SSLEngine newEngine(ByteBufAllocator allocator, String peerHost, int peerPort) {
    return engine(context -> context.newEngine(allocator, peerHost, peerPort));
  }

  @Override
  public SSLSessionContext sessionContext() {
    return inForce.get().sessionContext();
  }

  /** A context may be replaced and freed just before it is used: then its successor is. */
  @SuppressWarnings("ReferenceEquality") // contexts have no other
  private SSLEngine engine(Function<SslContext, SSLEngine> begin) {
    SslContext context = inForce.get();
    while (true) {
      try {
        return begin.apply(context);
      } catch (IllegalReferenceCountException e) {
        SslContext next = inForce.get();
        if (next == context) {
          throw e;
        }
        context = next;
      }
    }
  }
}
