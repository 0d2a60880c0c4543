package dev.nereid.core;

/**
 * An output that a request names.
 *
 * @param classes how many top classes to answer in place of the tensor; 0 for the tensor itself
 */
public record RequestedOutput(String name, int classes) {}
