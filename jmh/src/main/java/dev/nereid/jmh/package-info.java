/** Microbenchmarks; never shipped, never depended on. */
@NullMarked
package dev.nereid.jmh;

import org.jspecify.annotations.NullMarked;
