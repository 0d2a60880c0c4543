/** The inference server without sockets. */
@NullMarked
package dev.nereid.engine;

import org.jspecify.annotations.NullMarked;
