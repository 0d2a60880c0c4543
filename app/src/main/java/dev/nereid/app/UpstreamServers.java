package dev.nereid.app;

import dev.nereid.client.ChannelRegistry;
import dev.nereid.client.Upstreams;
import dev.nereid.core.FaultException;
import dev.nereid.core.MemoryPool;
import dev.nereid.core.Ticker;
import dev.nereid.gateway.ImageEnsembles;
import dev.nereid.http.EventLoops;

/**
 * The remote servers with everything they need, on the event loops of the listeners.
 *
 * @param channels every channel of the process
 * @param steps what of the models' repositories runs here
 */
record UpstreamServers(
    dev.nereid.client.EventLoops loops,
    ChannelRegistry channels,
    MemoryPool memory,
    Upstreams upstreams,
    ImageSteps steps)
    implements AutoCloseable {

  /**
   * Connects and asks each server once; none of them has to be there.
   *
   * @throws FaultException when files of TLS or credentials are missing or wrong
   */
  static UpstreamServers open(
      ServeOptions options, ServeOptions.Upstream wanted, EventLoops shared) {
    var loops =
        dev.nereid.client.EventLoops.shared(
            shared.workers(), Runtime.getRuntime().availableProcessors(), shared.clientChannel());
    ChannelRegistry channels = new ChannelRegistry(loops);
    MemoryPool memory = new MemoryPool(MemoryPool.Limits.DEFAULT);
    Upstreams upstreams;
    try {
      upstreams = Upstreams.open(wanted.options(), channels, memory, Ticker.system());
    } catch (FaultException e) {
      channels.close();
      memory.close();
      throw e;
    }
    ServeOptions.Models models = options.models();
    ImageSteps steps = ImageSteps.of(models.repositories(), models.configName(), upstreams);
    return new UpstreamServers(loops, channels, memory, upstreams, steps);
  }

  /** The ensembles whose networks may be on the servers alone. */
  ImageEnsembles ensembles() {
    return new ImageEnsembles(steps.ensembles());
  }

  @Override
  public void close() {
    steps.close();
    upstreams.close();
    channels.close();
    memory.close();
    loops.close();
  }
}
