/**
 * What it means to run a model: the plug-in contract, the trivial back ends, and the kit that
 * proves others.
 */
@NullMarked
package dev.nereid.backend;

import org.jspecify.annotations.NullMarked;
