package dev.nereid.engine;

import java.util.List;

/**
 * What answers a model's requests at one moment; an ensemble's has its steps' as well. Answers that
 * were given under one identity are not those of another.
 *
 * @param loads a number for each load that takes part, never given twice in this process
 * @param contents what each was loaded from: name, version, and digests of its configuration and
 *     its files as the repository saw them. The same in every process that loads the same files
 */
public record ModelIdentity(List<Long> loads, List<String> contents) {
  /** Copies the lists. */
  public ModelIdentity {
    loads = List.copyOf(loads);
    contents = List.copyOf(contents);
  }
}
