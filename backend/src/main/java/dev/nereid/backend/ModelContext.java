package dev.nereid.backend;

import dev.nereid.config.proto.ModelConfig;
import dev.nereid.core.MemoryPool;
import java.util.Map;

/**
 * What a back end needs to open one version of a model.
 *
 * @param config complete, normalised and valid
 * @param options from {@code --backend-config=NAME,KEY=VALUE}
 * @param memory where outputs are allocated
 * @param cores how many the server may use
 */
public record ModelContext(
    ModelConfig config,
    long version,
    ModelFiles files,
    Map<String, String> options,
    MemoryPool memory,
    int cores) {}
