package dev.nereid.http;

import io.netty.channel.Channel;
import io.netty.handler.codec.http2.Http2StreamChannel;
import io.netty.handler.ssl.SslHandler;
import javax.net.ssl.SSLPeerUnverifiedException;
import javax.security.auth.x500.X500Principal;
import org.jspecify.annotations.Nullable;

/** Who the other end of a connection is, by the certificate that the handshake has checked. */
final class ClientCertificate {
  private ClientCertificate() {}

  /** The certificate's subject; null when none was asked for. */
  static @Nullable X500Principal subjectOf(Channel channel) {
    Channel connection = channel instanceof Http2StreamChannel ? channel.parent() : channel;
    SslHandler tls = connection.pipeline().get(SslHandler.class);
    try {
      return tls != null
              && tls.engine().getSession().getPeerPrincipal() instanceof X500Principal subject
          ? subject
          : null;
    } catch (SSLPeerUnverifiedException e) {
      return null;
    }
  }
}
