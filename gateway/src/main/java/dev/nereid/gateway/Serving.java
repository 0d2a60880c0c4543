package dev.nereid.gateway;

import dev.nereid.client.Endpoint;
import dev.nereid.client.UpstreamStatus;
import dev.nereid.client.Upstreams;
import dev.nereid.config.proto.ModelConfig;
import dev.nereid.core.InferRequest;
import dev.nereid.core.MemoryPool;
import dev.nereid.core.Ticker;
import dev.nereid.engine.Engine;
import dev.nereid.engine.IndexEntry;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import org.jspecify.annotations.Nullable;

/**
 * Who runs the models behind the gateway: the engine in this process, or remote servers.
 *
 * <p><b>Threading.</b> Thread-safe; nothing here blocks but loading and unloading. Names that are
 * unknown end in a {@link dev.nereid.core.FaultException}.
 */
public interface Serving {
  /** The engine in this process; whoever opened it closes it. */
  static Serving of(Engine engine) {
    return new EngineServing(engine);
  }

  /**
   * Remote servers. Ensembles that none of them has run here, their image steps in the engine and
   * their networks on the servers.
   *
   * @param fallbacks the model that takes another's place while no server serves that one
   */
  static Serving of(
      Engine engine, Upstreams upstreams, ImageEnsembles ensembles, Map<String, String> fallbacks) {
    return new RemoteServing(engine, upstreams, ensembles, fallbacks);
  }

  /** Takes requests of one model over. Every outcome, refusals too, goes to their replies. */
  void inferAll(List<InferRequest> requests);

  /** The model to ask in that one's place; usually itself. */
  String instead(String model);

  /**
   * The model that answers what nobody takes for that one, after all; null when there is none, or
   * nobody serves it either.
   */
  @Nullable String standIn(String model);

  /** The configuration in force, complete and normalised; a version of -1 is the usual one. */
  ModelConfig config(String model, long version);

  /** What answers that version's requests now; null when an answer holds for one request only. */
  @Nullable Identity identity(String model, long version);

  /** The labels of an output, by class; empty when none are known. */
  List<String> labels(String model, long version, String output);

  /**
   * The same on one of the remote servers only; the image steps stay where they are.
   *
   * @param upstream null for any
   * @throws dev.nereid.core.FaultException when it is none of the remote servers
   */
  Serving on(@Nullable Endpoint upstream);

  /** Every model known. */
  List<IndexEntry> index();

  /** Whether models may be loaded and unloaded here, as far as is known. */
  boolean loadsOnRequest();

  /**
   * Loads a model, or loads it anew, on every remote server where there are some. Blocks until it
   * is ready.
   *
   * @throws dev.nereid.core.FaultException when it cannot be loaded, or not here
   */
  void load(String model);

  /**
   * Takes a model out of service, wherever it is. Blocks until it takes no more requests.
   *
   * @param dependents whether the steps of an ensemble that nothing else needs go too
   * @throws dev.nereid.core.FaultException when models are not loaded on request here
   */
  void unload(String model, boolean dependents);

  /** Whether inference is offered. */
  Health health();

  /** The remote servers; null when there are none. */
  @Nullable UpstreamStatus upstreams();

  /** Executions by batch size: of this process, or of the remote servers. */
  SortedMap<Long, Long> batches();

  /** Where pictures and tensors are put. */
  MemoryPool memory();

  /** The clock of deadlines. */
  Ticker ticker();

  /**
   * What answers a model's requests.
   *
   * @param loads one number for each load in this process that takes part
   * @param contents what they were loaded from; the same in every gateway over the same models
   */
  record Identity(List<Long> loads, List<String> contents) {
    /** Copies the lists. */
    public Identity {
      loads = List.copyOf(loads);
      contents = List.copyOf(contents);
    }
  }

  /**
   * Whether inference is offered.
   *
   * @param status a word for it
   * @param reason why not; empty when it is
   */
  record Health(boolean serving, String status, String reason) {
    static final Health GOOD = new Health(true, "healthy", "");
    static final Health ENDING = new Health(false, "ending", "the server is stopping");

    static Health starting(String reason) {
      return new Health(false, "starting", reason);
    }
  }
}
