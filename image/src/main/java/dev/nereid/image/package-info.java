/** Encoded bytes to pixels to tensors, and boxes back to pixels. */
@NullMarked
package dev.nereid.image;

import org.jspecify.annotations.NullMarked;
