package dev.nereid.backend;

import java.nio.file.Path;

/**
 * Where the files of one version of a model lie.
 *
 * @param model the model's directory, which holds {@code config.pbtxt} and labels
 * @param version the version's directory, which holds the model's file
 */
public record ModelFiles(Path model, Path version) {}
