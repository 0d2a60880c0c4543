package dev.nereid.gateway;

import dev.nereid.core.InferResponse;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Where a result came from, as metrics and the header {@code X-Cache} tell. */
enum ResultSource {
  /** Kept in this process. */
  HIT,
  /** Kept in the memory that gateways share. */
  SHARED,
  /** The run of an equal request beside this one. */
  JOINED,
  /** A run of the model. */
  MISS;

  private static final String PARAMETER = "result_source";

  /** The word in metrics and headers. */
  String word() {
    return name().toLowerCase(Locale.ROOT);
  }

  Map<String, Object> mark(Map<String, Object> parameters) {
    Map<String, Object> marked = new HashMap<>(parameters);
    marked.put(PARAMETER, word());
    return marked;
  }

  /** What the answers of one request say together; null where no cache was asked. */
  static @Nullable String of(List<Outcome> outcomes) {
    String all = null;
    for (Outcome outcome : outcomes) {
      String word = word(outcome);
      if (word != null && all != null && !all.equals(word)) {
        return "mixed";
      }
      all = word == null ? all : word;
    }
    return all;
  }

  private static @Nullable String word(Outcome outcome) {
    return outcome instanceof Outcome.Answered answered ? word(answered.response()) : null;
  }

  private static @Nullable String word(InferResponse response) {
    return response.parameters().get(PARAMETER) instanceof String word ? word : null;
  }
}
