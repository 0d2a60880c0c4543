package dev.nereid.bench;

import dev.nereid.client.Endpoint;
import dev.nereid.client.EventLoops;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** Leads to the servers of a comparison, through the links between. For one thread. */
final class ProtocolWays implements AutoCloseable {
  private final Map<String, ProtocolTarget> targets = new HashMap<>();
  private final ProtocolModels models;
  private final Pictures pictures;
  private final EventLoops probeLoops = EventLoops.of(1);
  private final Map<String, ServerProbe> probes = new HashMap<>();
  private final Map<String, ShapingProxy> proxies = new HashMap<>();

  ProtocolWays(List<ProtocolTarget> targets, ProtocolModels models, Pictures pictures) {
    targets.forEach(target -> this.targets.put(target.name(), target));
    this.models = models;
    this.pictures = pictures;
  }

  /** What points have in common that differ in size, load and link only. */
  static String of(ProtocolCell cell) {
    return cell.target() + "/" + cell.route().id() + "/" + cell.form();
  }

  /** Whether the server of a point has an address and a model for it. */
  boolean offers(ProtocolCell cell) {
    ProtocolTarget target = targets.get(cell.target());
    return target != null
        && target.of(cell.route()) != null
        && (cell.route().isRest() || models.of(cell.target(), cell.payload()) != null);
  }

  /** The requests of a point. */
  CellTarget to(ProtocolCell cell) {
    ProtocolTarget target = targets.get(cell.target());
    Endpoint endpoint = target == null ? null : target.of(cell.route());
    if (endpoint == null) {
      throw new IllegalArgumentException(
          cell.target() + ": no address for " + cell.route().label() + " (expected: one)");
    }
    var names = models.of(cell.target(), cell.payload());
    if (names == null) {
      throw new IllegalArgumentException(
          "--model: none for " + cell.payload().label() + " (expected: PAYLOAD=NAME)");
    }
    return new CellTarget(cell, throughLink(endpoint, cell.link()), names, pictures);
  }

  /** Small requests over the route of a point of the v2 protocol. */
  TargetOptions small(ProtocolCell like, String model) {
    CellTarget on = to(like);
    TargetOptions options = new TargetOptions();
    options.url = on.endpoint().toString();
    options.chosen =
        switch (like.route()) {
          case GRPC -> Protocol.GRPC;
          case BINARY -> Protocol.HTTP;
          case JSON -> Protocol.HTTP_JSON;
          case MULTIPART, BASE64 ->
              throw new IllegalArgumentException("route: REST (expected: the v2 protocol)");
        };
    options.model = model;
    options.inputs = 1;
    options.batch = 1;
    options.channels = "shared";
    options.clientThreads = 1;
    return options;
  }

  private Endpoint throughLink(Endpoint endpoint, Link link) {
    return link.isLoopback()
        ? endpoint
        : proxies
            .computeIfAbsent(endpoint + " " + link, _ -> new ShapingProxy(endpoint, link))
            .endpoint();
  }

  /** A reader of what the server of a point counts; it is closed with the ways. */
  ServerProbe probe(ProtocolCell cell) {
    ProtocolTarget target = targets.get(cell.target());
    if (target == null) {
      throw new IllegalArgumentException("target: " + cell.target() + " (expected: a known one)");
    }
    return probes.computeIfAbsent(cell.target(), _ -> target.probe(probeLoops));
  }

  @Override
  public void close() {
    probes.values().forEach(ServerProbe::close);
    proxies.values().forEach(ShapingProxy::close);
    probeLoops.close();
  }
}
