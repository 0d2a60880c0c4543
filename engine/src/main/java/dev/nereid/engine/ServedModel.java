package dev.nereid.engine;

import dev.nereid.core.Fault;
import dev.nereid.core.FaultException;
import dev.nereid.engine.IndexEntry.State;
import java.util.Collection;
import java.util.Map;
import java.util.NavigableMap;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * A model as the engine knows it: what it came from, the versions that take requests, and what the
 * index tells. Immutable: each change makes a new one, so that a reader sees one state.
 *
 * @param source null when the model is not meant to be served
 * @param versions those that take requests
 * @param ensembles for an ensemble, its versions whether they can be served or not
 * @param entries what the index shows, by version; under 0 what holds for the model as a whole
 */
record ServedModel(
    String name,
    @Nullable Source source,
    NavigableMap<Long, ServedVersion> versions,
    NavigableMap<Long, EnsembleDefinition> ensembles,
    NavigableMap<Long, IndexEntry> entries) {
  /** What the index says of a version that was unloaded on purpose. */
  static final String UNLOADED = "unloaded";

  ServedModel {
    versions = new TreeMap<>(versions);
    ensembles = new TreeMap<>(ensembles);
    entries = new TreeMap<>(entries);
  }

  /** A model of which nothing is known but its name. */
  static ServedModel named(String name) {
    return new ServedModel(name, null, new TreeMap<>(), new TreeMap<>(), new TreeMap<>());
  }

  /**
   * What a load came to; each version is in exactly one of the maps.
   *
   * @param versions that take requests, loaded or kept
   * @param ensembles to be bound
   * @param failures why the others are not there
   */
  record Loaded(
      Source source,
      NavigableMap<Long, ServedVersion> versions,
      NavigableMap<Long, EnsembleDefinition> ensembles,
      NavigableMap<Long, String> failures) {}

  /** These versions are being loaded; of one that takes requests meanwhile that is not told. */
  ServedModel loading(Collection<Long> loading) {
    NavigableMap<Long, IndexEntry> now = new TreeMap<>(entries);
    now.remove(0L);
    for (long version : loading) {
      if (!versions.containsKey(version)) {
        now.put(version, entry(version, State.LOADING, "", ""));
      }
    }
    return new ServedModel(name, source, versions, ensembles, now);
  }

  /** Loading came to nothing; what took requests before still does. */
  ServedModel kept() {
    NavigableMap<Long, IndexEntry> now = new TreeMap<>(entries);
    now.values()
        .removeIf(
            entry -> entry.state() == State.LOADING && !ensembles.containsKey(entry.version()));
    return new ServedModel(name, source, versions, ensembles, now);
  }

  /** The model cannot be served at all. */
  ServedModel failed(String reason) {
    NavigableMap<Long, IndexEntry> now = new TreeMap<>(entries);
    now.values().removeIf(entry -> entry.state() != State.UNLOADING);
    now.put(0L, entry(0, State.UNAVAILABLE, reason, ""));
    return new ServedModel(name, null, new TreeMap<>(), new TreeMap<>(), now);
  }

  /** The model is what a load came to. */
  ServedModel loaded(Loaded loaded) {
    NavigableMap<Long, IndexEntry> now = new TreeMap<>();
    entries.forEach(
        (version, entry) -> {
          boolean there = loaded.source.entry().versions().contains(version);
          if (entry.state() == State.UNLOADING || (there && isUnloaded(entry))) {
            now.put(version, entry);
          }
        });
    NavigableMap<Long, ServedVersion> serving = new TreeMap<>(loaded.versions);
    versions.forEach(
        (version, served) -> {
          if (loaded.ensembles.containsKey(version)) {
            serving.put(version, served); // until the ensemble is bound anew
            now.put(version, ready(served));
          } else {
            now.put(version, entry(version, State.UNLOADING, "", ""));
          }
        });
    loaded.failures.forEach(
        (version, why) -> now.put(version, entry(version, State.UNAVAILABLE, why, "")));
    loaded.versions.forEach((version, served) -> now.put(version, ready(served)));
    return new ServedModel(name, loaded.source, serving, loaded.ensembles, now);
  }

  /** One version takes requests, in place of another load of it. */
  ServedModel serving(ServedVersion served) {
    NavigableMap<Long, ServedVersion> serving = new TreeMap<>(versions);
    serving.put(served.version(), served);
    NavigableMap<Long, IndexEntry> now = new TreeMap<>(entries);
    now.put(served.version(), ready(served));
    return new ServedModel(name, source, serving, ensembles, now);
  }

  /** One version takes no requests, for that reason. */
  ServedModel notServing(long version, State state, String reason) {
    NavigableMap<Long, ServedVersion> serving = new TreeMap<>(versions);
    serving.remove(version);
    NavigableMap<Long, IndexEntry> now = new TreeMap<>(entries);
    now.put(version, entry(version, state, reason, ""));
    return new ServedModel(name, source, serving, ensembles, now);
  }

  /** Nothing is to be served any more; what took requests finishes them. */
  ServedModel unloading() {
    NavigableMap<Long, IndexEntry> now = new TreeMap<>(entries);
    now.remove(0L);
    now.replaceAll(
        (version, entry) ->
            versions.containsKey(version) || entry.state() == State.UNLOADING
                ? entry(version, State.UNLOADING, "", "")
                : entry(version, State.UNAVAILABLE, UNLOADED, ""));
    return new ServedModel(name, null, new TreeMap<>(), new TreeMap<>(), now);
  }

  /** The last load of a version has finished its requests and is freed. */
  ServedModel unloaded(long version) {
    IndexEntry known = entries.get(version);
    if (known == null || known.state() != State.UNLOADING) {
      return this;
    }
    NavigableMap<Long, IndexEntry> now = new TreeMap<>(entries);
    now.put(version, entry(version, State.UNAVAILABLE, UNLOADED, ""));
    return new ServedModel(name, source, versions, ensembles, now);
  }

  ServedModel with(Source other) {
    return new ServedModel(name, other, versions, ensembles, entries);
  }

  private IndexEntry entry(long version, State state, String reason, String summary) {
    return new IndexEntry(name, version, state, reason, summary);
  }

  private IndexEntry ready(ServedVersion served) {
    return entry(served.version(), State.READY, "", served.summary());
  }

  /**
   * The version asked for, or the highest one for -1.
   *
   * @throws FaultException in Triton's words when it is not served
   */
  ServedVersion require(long version) {
    if (version < 0) {
      if (versions.isEmpty()) {
        throw nothingServed();
      }
      return versions.lastEntry().getValue();
    }
    ServedVersion served = versions.get(version);
    if (served != null) {
      return served;
    }
    if (entries.containsKey(version) || isLoading()) {
      throw FaultException.of(
          Fault.NOT_READY,
          "Request for unknown model: '%s' version %d is not at ready state"
              .formatted(name, version));
    }
    throw FaultException.of(
        Fault.NOT_FOUND,
        "Request for unknown model: '%s' version %d is not found".formatted(name, version));
  }

  private FaultException nothingServed() {
    if (isLoading()) {
      return FaultException.of(
          Fault.NOT_READY, "Request for unknown model: '" + name + "' is not at ready state");
    }
    String reason = reason();
    return FaultException.of(
        Fault.NOT_FOUND,
        "Request for unknown model: '%s' has no available versions%s"
            .formatted(name, reason.isEmpty() || reason.equals(UNLOADED) ? "" : ": " + reason));
  }

  boolean isLoading() {
    return entries.values().stream().anyMatch(entry -> entry.state() == State.LOADING);
  }

  /** Why a version, or the whole model, is not served; empty when nothing is said. */
  String reason() {
    return entries.values().stream()
        .map(IndexEntry::reason)
        .filter(reason -> !reason.isEmpty())
        .findFirst()
        .orElse("");
  }

  /** Whether nothing that is meant to be served has failed. What still loads is no failure. */
  boolean isSound() {
    return entries.values().stream().noneMatch(ServedModel::isFailure);
  }

  /** Whether everything that is meant to be served is. */
  boolean isReady() {
    return isSound() && !isLoading() && !versions.isEmpty();
  }

  private static boolean isFailure(IndexEntry entry) {
    return entry.state() == State.UNAVAILABLE && !isUnloaded(entry);
  }

  private static boolean isUnloaded(IndexEntry entry) {
    return entry.state() == State.UNAVAILABLE && entry.reason().equals(UNLOADED);
  }

  /** Whether there is more to tell than that it was unloaded. */
  boolean isKnown() {
    return source != null || entries.values().stream().anyMatch(entry -> !isUnloaded(entry));
  }

  /** Why versions failed, by version; 0 stands for the whole model. */
  Map<Long, String> failures() {
    Map<Long, String> failures = new TreeMap<>();
    entries.forEach(
        (version, entry) -> {
          if (isFailure(entry)) {
            failures.put(version, entry.reason());
          }
        });
    return failures;
  }
}
