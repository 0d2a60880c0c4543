package dev.nereid.server;

import java.util.Locale;
import org.jspecify.annotations.Nullable;

/** The parts of v2 that can be kept for those who have a key, under Triton's names. */
public enum Api {
  /** Whether the server or a model is alive or ready. */
  HEALTH,
  /** What the server and its models are. */
  METADATA,
  /** Inference. */
  INFERENCE,
  /** Regions of memory shared with clients. */
  SHARED_MEMORY,
  /** Models' configurations. */
  MODEL_CONFIG,
  /** The index of models, and loading and unloading them. */
  MODEL_REPOSITORY,
  /** Models' statistics. */
  STATISTICS,
  /** What is traced. */
  TRACE,
  /** What is logged. */
  LOGGING;

  /** The name as typed: {@code model-config}. */
  public String typed() {
    return name().toLowerCase(Locale.ROOT).replace('_', '-');
  }

  /** The part of that name; null when there is none. */
  static @Nullable Api named(String typed) {
    for (Api api : values()) {
      if (api.typed().equals(typed)) {
        return api;
      }
    }
    return null;
  }

  /** What a route over HTTP belongs to, by its pattern. */
  static Api ofRoute(String pattern) {
    if (pattern.startsWith("/v2/repository")) {
      return MODEL_REPOSITORY;
    }
    if (pattern.startsWith("/v2/systemsharedmemory") || pattern.startsWith("/v2/cudashared")) {
      return SHARED_MEMORY;
    }
    return switch (pattern.substring(pattern.lastIndexOf('/') + 1)) {
      case "live", "ready" -> HEALTH;
      case "infer", "generate", "generate_stream" -> INFERENCE;
      case "config" -> MODEL_CONFIG;
      case "stats" -> STATISTICS;
      case "setting" -> TRACE;
      case "logging" -> LOGGING;
      default -> METADATA;
    };
  }

  /** What a call over gRPC belongs to, by its method's name. */
  static Api ofMethod(String method) {
    return switch (method) {
      case "ServerLive", "ServerReady", "ModelReady", "Check", "Watch", "List" -> HEALTH;
      case "ModelInfer", "ModelStreamInfer" -> INFERENCE;
      case "ModelConfig" -> MODEL_CONFIG;
      case "ModelStatistics" -> STATISTICS;
      case "TraceSetting" -> TRACE;
      case "LogSettings" -> LOGGING;
      default ->
          method.startsWith("Repository")
              ? MODEL_REPOSITORY
              : method.contains("SharedMemory") ? SHARED_MEMORY : METADATA;
    };
  }
}
