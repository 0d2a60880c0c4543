package dev.nereid.engine;

import dev.nereid.config.ModelSpec;
import dev.nereid.config.proto.ModelConfig;
import dev.nereid.core.InferRequest;
import dev.nereid.core.MemoryPool;
import dev.nereid.core.Ticker;
import dev.nereid.telemetry.Metrics;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;

/**
 * An inference server without sockets: loads models from repositories, takes requests, answers
 * them, and tells what it did.
 *
 * <p><b>Threading.</b> Every method may be called by any thread. {@link #infer} never blocks; the
 * others may, so event loops hand them to a thread of their own.
 *
 * <p><b>Names.</b> A version of -1 is the one the model's policy chooses: the highest that is
 * ready. Methods that look a model up throw a {@link dev.nereid.core.FaultException} in Triton's
 * words when it is unknown or has no such version.
 */
public interface Engine extends AutoCloseable {
  /**
   * Opens an engine and begins to load every model of its repositories; {@link #started} tells when
   * that is done. One model that cannot be loaded stops no other.
   *
   * @throws dev.nereid.core.FaultException when a repository cannot be read
   */
  static Engine open(EngineOptions options, Metrics metrics) {
    return LocalEngine.open(options, metrics, Ticker.system());
  }

  /** Takes a request over. Every outcome, refusals too, goes to the request's reply. */
  void infer(InferRequest request);

  /** Takes several requests over; those of one model enter its queue together. */
  void inferAll(List<InferRequest> requests);

  /**
   * Takes requests over as {@link #inferAll} does, but may run small models before it returns, in
   * some tens of microseconds at most. For event loops, at the end of a turn.
   */
  default void inferInline(List<InferRequest> requests) {
    inferAll(requests);
  }

  /** Whether the engine is up and not ending. */
  boolean isLive();

  /**
   * Says from now on that nothing is ready, and serves on: those who share out load look at that
   * before listeners close.
   */
  void withdraw();

  /** Whether {@link #withdraw} was called. */
  boolean isWithdrawn();

  /**
   * Whether start-up has ended and, under strict readiness, no model that is to be served has
   * failed. What is loaded later on does not count until it is ready or has failed.
   */
  boolean isReady();

  /**
   * Whether that version takes requests; with -1, whether any does. Throws when there is no such
   * model or version.
   */
  boolean isReady(String model, long version);

  /** The ready versions of a model, ascending; just the one asked for if that is not -1. */
  List<Long> versions(String model, long version);

  /** The configuration in force: complete and normalised. */
  ModelConfig config(String model, long version);

  /** The inputs and outputs, in the form requests are checked against. */
  ModelSpec spec(String model, long version);

  /** What answers the requests of that version now. */
  ModelIdentity identity(String model, long version);

  /** The labels of an output, by class; empty when it has none. An ensemble has its step's. */
  List<String> labels(String model, long version, String output);

  /**
   * What was counted since load.
   *
   * @param model empty for all models
   * @param version -1 for all versions
   */
  List<ModelStatistics> statistics(String model, long version);

  /**
   * Every model known, whether loaded or not. Where models are loaded on request, this looks at the
   * repositories too.
   */
  List<IndexEntry> index();

  /** Whether {@link #load} and {@link #unload} are allowed here. */
  boolean loadsOnRequest();

  /**
   * Loads a model, and the models of its steps if it is an ensemble, or loads it anew if its files
   * or configuration have changed. Returns when it is ready; what was served before serves until
   * then, and for good if loading fails.
   *
   * @throws dev.nereid.core.FaultException in Triton's words when it cannot be loaded, or when
   *     models are not loaded on request here
   */
  void load(String model, LoadParameters parameters);

  /**
   * Takes a model out of service. Returns when it takes no more requests; those it has are still
   * answered. A model that is not there, or not served, is no error.
   *
   * @param dependents whether models that were loaded only as steps of this ensemble, and are part
   *     of no other, go too
   * @throws dev.nereid.core.FaultException when models are not loaded on request here
   */
  void unload(String model, boolean dependents);

  /** Completes when every model of the start-up is ready or has failed. */
  CompletableFuture<LoadReport> started();

  /** Where tensors are allocated. */
  MemoryPool memory();

  /** The clock of deadlines. */
  Ticker ticker();

  /** Stops taking requests and waits for those taken; false when some were left at the end. */
  boolean drain(Duration atMost);

  /** Drains briefly, unloads every model and frees everything. */
  @Override
  void close();
}
