/** The REST image API, over the local engine or remote servers. */
@NullMarked
package dev.nereid.gateway;

import org.jspecify.annotations.NullMarked;
