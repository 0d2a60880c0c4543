/** A load tool that can be trusted. */
@NullMarked
package dev.nereid.bench;

import org.jspecify.annotations.NullMarked;
