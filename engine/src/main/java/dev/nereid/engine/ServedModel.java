package dev.nereid.engine;

import dev.nereid.core.Fault;
import dev.nereid.core.FaultException;
import java.util.ArrayList;
import java.util.List;
import java.util.NavigableMap;
import java.util.TreeMap;

/**
 * A model as the repository knows it, and the versions of it that are served. Immutable: each
 * change makes a new one, so that a reader sees one state.
 *
 * @param versions those that take requests
 * @param entries what the index shows, one for each version ever seen
 */
record ServedModel(
    String name, NavigableMap<Long, ServedVersion> versions, List<IndexEntry> entries) {
  ServedModel {
    versions = new TreeMap<>(versions);
    entries = List.copyOf(entries);
  }

  /** A model of which nothing is served yet. */
  static ServedModel loading(String name) {
    return new ServedModel(
        name, new TreeMap<>(), List.of(new IndexEntry(name, 0, IndexEntry.State.LOADING, "", "")));
  }

  /** A model that failed before any version could be tried. */
  static ServedModel failed(String name, String reason) {
    return new ServedModel(
        name,
        new TreeMap<>(),
        List.of(new IndexEntry(name, 0, IndexEntry.State.UNAVAILABLE, reason, "")));
  }

  /**
   * The version asked for, or the highest one for -1.
   *
   * @throws FaultException in Triton's words when it is not served
   */
  ServedVersion require(long version) {
    if (version < 0) {
      if (versions.isEmpty()) {
        boolean loading =
            entries.stream().anyMatch(entry -> entry.state() == IndexEntry.State.LOADING);
        throw loading
            ? FaultException.of(
                Fault.NOT_READY, "Request for unknown model: '" + name + "' is not at ready state")
            : FaultException.of(
                Fault.NOT_FOUND,
                "Request for unknown model: '" + name + "' has no available versions" + reason());
      }
      return versions.lastEntry().getValue();
    }
    ServedVersion served = versions.get(version);
    if (served != null) {
      return served;
    }
    for (IndexEntry entry : entries) {
      if (entry.version() == version || entry.state() == IndexEntry.State.LOADING) {
        throw FaultException.of(
            Fault.NOT_READY,
            "Request for unknown model: '%s' version %d is not at ready state"
                .formatted(name, version));
      }
    }
    throw FaultException.of(
        Fault.NOT_FOUND,
        "Request for unknown model: '%s' version %d is not found".formatted(name, version));
  }

  private String reason() {
    for (IndexEntry entry : entries) {
      if (!entry.reason().isEmpty()) {
        return ": " + entry.reason();
      }
    }
    return "";
  }

  boolean isReady() {
    return !entries.isEmpty()
        && entries.stream().allMatch(entry -> entry.state() == IndexEntry.State.READY);
  }

  /** This model with one version's state told anew. */
  ServedModel with(IndexEntry entry, List<ServedVersion> served) {
    NavigableMap<Long, ServedVersion> now = new TreeMap<>(versions);
    served.forEach(version -> now.put(version.version(), version));
    List<IndexEntry> others = new ArrayList<>(entries);
    others.removeIf(other -> other.version() == entry.version() || other.version() == 0);
    others.add(entry);
    return new ServedModel(name, now, others);
  }
}
