/** Bytes on the wire to core's words and back; opens no socket. */
@NullMarked
package dev.nereid.protocol;

import org.jspecify.annotations.NullMarked;
