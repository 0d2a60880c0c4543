package dev.nereid.app;

import dev.nereid.access.AccessOptions;
import dev.nereid.client.UpstreamOptions;
import dev.nereid.core.MemoryPool;
import dev.nereid.engine.EngineOptions;
import dev.nereid.engine.EngineOptions.Control;
import dev.nereid.engine.EngineOptions.GpuUnavailable;
import dev.nereid.gateway.PayloadSampleOptions;
import dev.nereid.gateway.ResultCacheOptions;
import dev.nereid.http.AccessLogWriter;
import dev.nereid.http.Cors;
import dev.nereid.http.TlsFiles;
import dev.nereid.server.Access;
import dev.nereid.server.GrpcOptions.Packing;
import dev.nereid.telemetry.LatencyOptions;
import dev.nereid.tracing.TracingOptions;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.logging.Level;
import org.jspecify.annotations.Nullable;

/**
 * What {@code nereid serve} was asked to do. {@link ServeFlags} has the names and defaults.
 *
 * @param id the server's name in its metadata
 * @param strictReadiness whether one model that is not ready makes the server not ready
 * @param exitTimeout how long ending may take after a signal to stop
 * @param exitGrace how much of that the listeners stay open, with readiness withdrawn
 * @param upstream null when the models run in this process
 * @param callers who may call; null for everybody
 * @param traces where they go; null for no traces
 */
record ServeOptions(
    String id,
    boolean strictReadiness,
    Duration exitTimeout,
    Duration exitGrace,
    Models models,
    Http http,
    Grpc grpc,
    Metrics metrics,
    Gateway gateway,
    Limits limits,
    Timeouts timeouts,
    Logging logging,
    AccessLogging access,
    @Nullable Upstream upstream,
    @Nullable Callers callers,
    @Nullable TracingOptions traces) {

  /** What the engine is told, over these repositories. */
  EngineOptions engine(List<Path> repositories) {
    return new EngineOptions(
        repositories,
        models.configName(),
        models.autoComplete(),
        strictReadiness,
        models.loadThreads(),
        models.backends(),
        models.withoutGpu(),
        Runtime.getRuntime().availableProcessors(),
        MemoryPool.Limits.DEFAULT,
        models.shared(),
        models.control());
  }

  /**
   * Who may call.
   *
   * @param listeners that ask: http, grpc, metrics, gateway
   */
  record Callers(AccessOptions access, Set<String> listeners) {
    Callers {
      listeners = Set.copyOf(listeners);
    }
  }

  /**
   * Remote servers behind the image gateway.
   *
   * @param fallbacks the model that takes another's place while no server serves that one
   */
  record Upstream(UpstreamOptions options, Map<String, String> fallbacks) {
    Upstream {
      fallbacks = Map.copyOf(fallbacks);
    }
  }

  /**
   * An address to listen on; port 0 lets the system choose.
   *
   * @param shared whether other processes that say so, too, may listen there as well
   * @param tls null for plain text
   */
  record Endpoint(boolean open, String address, int port, boolean shared, @Nullable TlsFiles tls) {
    /** An endpoint of this process alone, in plain text. */
    Endpoint(boolean open, String address, int port) {
      this(open, address, port, false, null);
    }

    Endpoint {
      require(0 <= port && port <= 65535, "port", port, "0 to 65535");
    }

    /** The address with the port that was really taken. */
    String at(int realPort) {
      return address + ':' + realPort;
    }
  }

  /**
   * Which models are served and how they are loaded.
   *
   * @param configName use {@code configs/NAME.pbtxt} of a model where it is present; "" for none
   * @param backends settings by back end and key; back end "" means all
   * @param exitOnError whether a model that cannot be loaded ends the server
   * @param shared what they share
   * @param control who decides what is served
   */
  record Models(
      List<Path> repositories,
      String configName,
      boolean autoComplete,
      int loadThreads,
      boolean exitOnError,
      GpuUnavailable withoutGpu,
      Map<String, Map<String, String>> backends,
      EngineOptions.Shared shared,
      Control control) {
    Models {
      repositories = List.copyOf(repositories);
      backends = Map.copyOf(backends);
      require(loadThreads >= 1, "--model-load-thread-count", loadThreads, ">= 1");
    }
  }

  /**
   * The v2 protocol over HTTP.
   *
   * @param threads event loops, shared with gRPC and the gateway; 0 for one to a core
   * @param calls which need a key, and which of their headers become parameters
   */
  record Http(Endpoint endpoint, int maxInputBytes, int threads, Access calls) {
    Http {
      require(maxInputBytes >= 1, "--http-max-input-size", maxInputBytes, ">= 1");
      require(threads >= 0, "--http-thread-count", threads, ">= 0");
    }
  }

  /**
   * The v2 protocol over gRPC.
   *
   * @param maxAge how long a connection may live, null for ever
   * @param maxAgeGrace how long its calls may then take, null for as long as they like
   * @param messageBytes of one message at most
   * @param calls which need a key, and which of their headers become parameters
   * @param packing of the answers to inferences
   */
  record Grpc(
      Endpoint endpoint,
      KeepAlive keepAlive,
      @Nullable Duration maxAge,
      @Nullable Duration maxAgeGrace,
      Access calls,
      Packing packing,
      int messageBytes) {
    Grpc {
      require(messageBytes >= 1, "--grpc-max-message-size", messageBytes, ">= 1");
    }
  }

  /**
   * How dead gRPC connections are found, and how often clients may ask.
   *
   * @param time of silence before the server pings
   * @param timeout until an unanswered ping ends the connection
   * @param withoutCalls whether idle connections may ping
   * @param minClientInterval between a client's pings on an idle connection
   */
  record KeepAlive(
      Duration time, Duration timeout, boolean withoutCalls, Duration minClientInterval) {}

  /**
   * The metrics endpoint.
   *
   * @param gpu whether the machine's GPUs are told
   * @param cpu whether its processors and memory are told
   * @param latencies of models that are measured besides
   */
  record Metrics(Endpoint endpoint, boolean gpu, boolean cpu, LatencyOptions latencies) {}

  /**
   * The image gateway.
   *
   * @param batchImages pictures in one request at most
   * @param streamImages the same where results are sent one by one
   * @param aliases other names for models, by alias
   * @param results how results are kept; null when they are not
   * @param traffic a file with plans for where the requests for models go; null for none
   * @param payloads which pictures of clients are written down; null for none
   * @param browsers what browsers are told
   */
  record Gateway(
      Endpoint endpoint,
      int maxBodyBytes,
      int batchImages,
      int streamImages,
      Map<String, String> aliases,
      @Nullable ResultCacheOptions results,
      @Nullable Path traffic,
      @Nullable PayloadSampleOptions payloads,
      Browsers browsers) {
    Gateway {
      aliases = Map.copyOf(aliases);
      require(maxBodyBytes >= 1, "--gateway-max-body-size", maxBodyBytes, ">= 1");
      require(batchImages >= 1, "--gateway-max-batch-images", batchImages, ">= 1");
      require(streamImages >= 1, "--gateway-max-stream-images", streamImages, ">= 1");
    }
  }

  /**
   * What browsers are told.
   *
   * @param origins of other pages that may call
   * @param strictTransport how long they come back over TLS alone; zero for not said
   */
  record Browsers(List<String> origins, Duration strictTransport) {
    /** Nothing. */
    static final Browsers NOTHING = new Browsers(List.of(), Duration.ZERO);

    Browsers {
      origins = List.copyOf(origins);
      require(
          !strictTransport.isNegative(),
          "--gateway-strict-transport-secs",
          strictTransport.toSeconds(),
          ">= 0");
    }

    /** The origins as the listener takes them. */
    Cors cors() {
      try {
        return Cors.of(origins);
      } catch (IllegalArgumentException e) {
        throw new Mishap("--gateway-cors-origin: " + e.getMessage());
      }
    }
  }

  /**
   * How much is taken on at a time, by each listener; more is refused and counted.
   *
   * @param inFlightBytes of the bodies of requests that are not answered yet
   * @param headerBytes of all header lines of an HTTP request
   * @param requestLineBytes of its first line
   */
  record Limits(
      int connections,
      int inFlightRequests,
      long inFlightBytes,
      int headerBytes,
      int requestLineBytes) {
    Limits {
      require(connections >= 1, "--max-connections", connections, ">= 1");
      require(inFlightRequests >= 1, "--max-in-flight-requests", inFlightRequests, ">= 1");
      require(inFlightBytes >= 1, "--max-in-flight-bytes", inFlightBytes, ">= 1");
      requireLineBytes("--max-header-bytes", headerBytes);
      requireLineBytes("--max-request-line-bytes", requestLineBytes);
    }

    private static void requireLineBytes(String name, int bytes) {
      require(bytes >= 64 && bytes <= 1 << 20, name, bytes, "64 to 1048576");
    }
  }

  /**
   * How long clients may take.
   *
   * @param idle a connection without a request, or one that does not take its answer, is closed
   * @param read an HTTP request must have arrived this long after its first byte
   * @param bytesPerSecond every so many bytes of a body allow one second more
   * @param request the deadline of a request that names none; zero for none
   */
  record Timeouts(Duration idle, Duration read, int bytesPerSecond, Duration request) {
    Timeouts {
      require(!idle.isZero() && !idle.isNegative(), "--idle-timeout-ms", idle.toMillis(), ">= 1");
      require(!read.isZero() && !read.isNegative(), "--read-timeout-ms", read.toMillis(), ">= 1");
      require(bytesPerSecond >= 1, "--read-bytes-per-second", bytesPerSecond, ">= 1");
      require(!request.isNegative(), "--request-timeout-ms", request.toMillis(), ">= 0");
    }
  }

  /**
   * The log of answered requests.
   *
   * @param file null for standard output
   * @param slow requests that took longer are told in the server's log; zero for none
   */
  record AccessLogging(AccessLogWriter.Format format, @Nullable Path file, Duration slow) {}

  /**
   * What is logged.
   *
   * @param verbose 0 for nothing more; each level tells more
   * @param format of the lines
   * @param levels what is told of single packages, more or less than of all
   * @param file null for standard error
   */
  record Logging(
      int verbose,
      boolean info,
      boolean warning,
      boolean error,
      LogFormat format,
      Map<String, Level> levels,
      @Nullable Path file) {
    /** Information, warnings and errors, in short lines, on standard error. */
    static final Logging DEFAULT =
        new Logging(0, true, true, true, LogFormat.DEFAULT, Map.of(), null);

    /** Nothing at all. */
    static final Logging SILENT =
        new Logging(0, false, false, false, LogFormat.DEFAULT, Map.of(), null);

    Logging {
      levels = Map.copyOf(levels);
      require(verbose >= 0, "--log-verbose", verbose, ">= 0");
    }
  }

  private static void require(boolean holds, String name, long value, String expected) {
    if (!holds) {
      throw new Mishap(name + ": " + value + " (expected: " + expected + ")");
    }
  }
}
