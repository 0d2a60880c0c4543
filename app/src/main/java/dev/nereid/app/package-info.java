/** Configuration, assembly, the only main. */
@NullMarked
package dev.nereid.app;

import org.jspecify.annotations.NullMarked;
