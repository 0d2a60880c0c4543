package dev.nereid.backend;

/**
 * Which instance of a model this is, and where it runs.
 *
 * @param group the name of its instance group
 * @param index among the instances of the model, from 0
 * @param gpu the device, or -1 for the CPU
 */
public record Placement(String group, int index, int gpu) {}
