package dev.nereid.gateway;

/**
 * Where a request goes.
 *
 * @param serving who runs it
 */
record Route(Serving serving, ImageModel model) {}
