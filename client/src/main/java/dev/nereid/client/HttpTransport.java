package dev.nereid.client;

import io.netty.channel.EventLoop;
import io.netty.handler.ssl.SslContext;
import java.util.ArrayList;
import java.util.List;

/** The connections to one server, spread over event loops. Thread-safe. */
final class HttpTransport implements AutoCloseable {
  private final List<HttpLane> lanes = new ArrayList<>();

  HttpTransport(HttpOptions options, EventLoops loops) {
    TlsOptions tls = options.tls();
    SslContext context = tls == null ? null : tls.overHttp();
    int count = Math.min(loops.threads(), options.maxConnections());
    for (int i = 0; i < count; i++) {
      EventLoop loop = loops.group().next();
      int share = options.maxConnections() / count + (i < options.maxConnections() % count ? 1 : 0);
      lanes.add(new HttpLane(loop, loops.channels(), options, share, context));
    }
  }

  InFlight send(EncodedCall call, int lane, long timeoutNanos, HttpExchange.Listener listener) {
    return lanes.get(Math.floorMod(lane, lanes.size())).send(call, timeoutNanos, listener);
  }

  int connections() {
    return lanes.stream().mapToInt(HttpLane::open).sum();
  }

  @Override
  public void close() {
    lanes.forEach(HttpLane::close);
  }
}
