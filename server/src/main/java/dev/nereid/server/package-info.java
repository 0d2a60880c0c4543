/** The v2 endpoints, HTTP and gRPC. */
@NullMarked
package dev.nereid.server;

import org.jspecify.annotations.NullMarked;
