package dev.nereid.repository;

import java.util.Collections;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * What the files of a model looked like at one moment: numbers made of path, size and time of each,
 * which change when a file comes, goes, or is written. Immutable.
 *
 * @param config of the configuration files
 * @param shared of what all versions use besides: labels, warm-up data
 * @param versions of each version's directory
 */
public record Fingerprint(long config, long shared, SortedMap<Long, Long> versions) {
  /** Of a model whose files were not looked at. */
  public static final Fingerprint NONE = new Fingerprint(0, 0, new TreeMap<>());

  /** Copies the versions. */
  public Fingerprint {
    versions = Collections.unmodifiableSortedMap(new TreeMap<>(versions));
  }

  /** Whether nothing that a version is made of differs, apart from the configuration. */
  public boolean sameVersion(Fingerprint other, long version) {
    Long mine = versions.get(version);
    return shared == other.shared && mine != null && mine.equals(other.versions.get(version));
  }
}
