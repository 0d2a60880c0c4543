/** Who calls, what they may do, and how much of it; knows no protocol. */
@NullMarked
package dev.nereid.access;

import org.jspecify.annotations.NullMarked;
