package dev.nereid.bench;

import java.util.ArrayList;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * Which model each payload goes to, by what names, and where servers differ, on which of them.
 *
 * @param everywhere by payload
 * @param byTarget what a server of that name has instead
 */
record ProtocolModels(Map<Payload, Input> everywhere, Map<String, Map<Payload, Input>> byTarget) {
  private static final List<String> USUAL =
      List.of(
          "encoded=embed:image",
          "uint8=embed_uint8:pixels",
          "fp16=embed_fp16:pixels",
          "fp32=shapes_embedder:images",
          "tensor=identity_fp32:INPUT0:OUTPUT0");

  /** Where a payload goes, and what is read of the answer. */
  record Input(String model, String input, String output) {}

  /**
   * Reads {@code [TARGET/]PAYLOAD=NAME[:INPUT[:OUTPUT]]}; those of the demonstration when there are
   * none.
   */
  static ProtocolModels parse(List<String> said) {
    Map<Payload, Input> everywhere = new EnumMap<>(Payload.class);
    Map<String, Map<Payload, Input>> byTarget = new HashMap<>();
    for (String text : said.isEmpty() ? USUAL : said) {
      int equals = text.indexOf('=');
      int slash = text.lastIndexOf('/', equals);
      if (equals < 1 || slash == 0) {
        throw new IllegalArgumentException(
            "--model: '" + text + "' (expected: [TARGET/]PAYLOAD=NAME[:INPUT[:OUTPUT]])");
      }
      Payload payload = Payload.parse(text.substring(slash + 1, equals));
      Map<Payload, Input> where =
          slash < 0
              ? everywhere
              : byTarget.computeIfAbsent(
                  text.substring(0, slash).strip(), _ -> new EnumMap<>(Payload.class));
      where.put(payload, input(payload, text.substring(equals + 1).split(":", 3)));
    }
    return new ProtocolModels(everywhere, byTarget);
  }

  private static Input input(Payload payload, String[] names) {
    String input =
        switch (payload) {
          case ENCODED -> "image";
          case UINT8, FP16, FP32 -> "images";
          case TENSOR -> "INPUT0";
        };
    String output = payload == Payload.TENSOR ? "OUTPUT0" : "embedding";
    return new Input(
        names[0],
        names.length > 1 && !names[1].isEmpty() ? names[1] : input,
        names.length > 2 ? names[2] : output);
  }

  /** Those that any server has a model for. */
  List<Payload> payloads() {
    Set<Payload> all = new TreeSet<>(everywhere.keySet());
    byTarget.values().forEach(models -> all.addAll(models.keySet()));
    return new ArrayList<>(all);
  }

  /** Where that payload goes on that server, or null. */
  @Nullable Input of(String target, Payload payload) {
    Input own = byTarget.getOrDefault(target, Map.of()).get(payload);
    return own != null ? own : everywhere.get(payload);
  }
}
