package dev.nereid.bench;

import dev.nereid.client.Endpoint;
import java.net.URI;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * How to treat a server badly.
 *
 * @param grpc where v2 gRPC is served, or null to leave it out
 * @param http where v2 HTTP is served
 * @param metrics the metrics page
 * @param models that must answer rightly whatever happens around them, ensembles among them
 * @param failing models whose every execution fails
 * @param images pictures for inputs of type BYTES, or null for short texts
 * @param actors that act at the same time
 * @param seed decides what each of them does
 */
public record ChaosPlan(
    @Nullable Endpoint grpc,
    Endpoint http,
    URI metrics,
    List<String> models,
    List<String> failing,
    @Nullable Path images,
    int actors,
    Duration duration,
    long seed) {
  public ChaosPlan {
    models = List.copyOf(models);
    failing = List.copyOf(failing);
    if (models.isEmpty()) {
      throw new IllegalArgumentException("models: none (expected: at least one)");
    }
    if (actors < 1) {
      throw new IllegalArgumentException("actors: " + actors + " (expected: >= 1)");
    }
    if (duration.isNegative() || duration.isZero()) {
      throw new IllegalArgumentException("duration: " + duration + " (expected: positive)");
    }
  }
}
