package dev.nereid.access;

import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/**
 * Who may call.
 *
 * @param callers the file that names them; null for none
 * @param tokens which tokens count; null for none
 * @param usual the limits of callers that have none of their own
 */
public record AccessOptions(
    @Nullable Path callers, @Nullable TokenOptions tokens, CallerLimits usual) {
  public AccessOptions {
    if (callers == null && tokens == null) {
      throw new IllegalArgumentException("access: nothing (expected: callers, or tokens, or both)");
    }
  }
}
