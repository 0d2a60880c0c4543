package dev.nereid.gateway;

import dev.nereid.http.HttpExchange;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.util.zip.CRC32C;
import org.jspecify.annotations.Nullable;

/** Finds out where requests go: by their model's name, the plan for it, and what they ask for. */
final class Routes {
  private final Serving cached;
  private final Serving direct;
  private final GatewayOptions options;
  private final Traffic traffic;

  /**
   * Routes.
   *
   * @param direct the same without a cache, for requests that want none
   */
  Routes(Serving cached, Serving direct, GatewayOptions options, Traffic traffic) {
    this.cached = cached;
    this.direct = direct;
    this.options = options;
    this.traffic = traffic;
  }

  /**
   * Where a request for that model goes.
   *
   * @throws dev.nereid.core.FaultException when there is no such model, or it takes no pictures
   */
  Route of(String name, GatewayCall call, Upload upload) {
    String known = options.aliases().getOrDefault(name, name);
    call.exchange().model(known, -1);
    Serving anyone = wantsRun(call.exchange()) ? direct : cached;
    Traffic.Live live = traffic.find(known);
    if (live == null) {
      ImageModel model = model(anyone, known, -1);
      return told(call, new Route(anyone, model, standIn(anyone, model)));
    }
    TrafficArm arm = arm(live, call.exchange(), upload);
    call.arm(arm.name(), live.counts(arm));
    Serving inner = anyone.on(arm.upstream());
    ImageModel model = model(inner, arm.model(), arm.version());
    Serving serving = traffic.serving(live, inner, model);
    return told(call, new Route(serving, model, standIn(inner, model)));
  }

  private static ImageModel model(Serving serving, String name, long version) {
    String asked = serving.instead(name);
    return ImageModel.of(serving, asked, asked.equals(name) ? version : -1);
  }

  /** The model that takes a request over which nobody took for the first; it does the same. */
  private static @Nullable Route standIn(Serving serving, ImageModel first) {
    String name = serving.standIn(first.name());
    ImageModel other = name == null ? null : ImageModel.of(serving, name, -1);
    return other == null || other.task() != first.task() ? null : new Route(serving, other);
  }

  /** Tells the log which model is asked. */
  private static Route told(GatewayCall call, Route route) {
    call.exchange().model(route.model().name(), route.model().version());
    return route;
  }

  /** A client that sends {@code no-cache} or {@code no-store} wants it run anew. */
  private static boolean wantsRun(HttpExchange exchange) {
    String wish = exchange.header("cache-control");
    return wish != null && (wish.contains("no-cache") || wish.contains("no-store"));
  }

  private static TrafficArm arm(Traffic.Live live, HttpExchange exchange, Upload upload) {
    Long key =
        switch (live.plan().sticky().kind()) {
          case NOTHING -> null;
          case HEADER -> ofText(exchange.header(live.plan().sticky().header()));
          case CLIENT -> ofText(client(exchange));
          case PICTURE -> ofPicture(upload);
        };
    return key == null ? live.split().next() : live.split().of(key);
  }

  private static @Nullable Long ofText(@Nullable String text) {
    return text == null ? null : TrafficSplit.hash(text);
  }

  private static @Nullable String client(HttpExchange exchange) {
    return exchange.remoteAddress() instanceof InetSocketAddress address
            && address.getAddress() != null
        ? address.getAddress().getHostAddress()
        : null;
  }

  /** Of the first picture; whoever makes two with the same checksum gets the same arm for both. */
  private static @Nullable Long ofPicture(Upload upload) {
    for (Item item : upload.items()) {
      if (item instanceof Item.Picture picture) {
        ByteBuffer bytes = picture.lease().bytes(picture.offset(), picture.length());
        CRC32C sum = new CRC32C();
        sum.update(bytes);
        return TrafficSplit.mix(sum.getValue() << 32 | picture.length());
      }
    }
    return null;
  }
}
