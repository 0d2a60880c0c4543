/** The caller's side: HTTP and gRPC, channels, pools, balancing, retries. */
@NullMarked
package dev.nereid.client;

import org.jspecify.annotations.NullMarked;
