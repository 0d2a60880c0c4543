/** The spans of requests, recorded by OpenTelemetry and sent to a collector. */
@NullMarked
package dev.nereid.tracing;

import org.jspecify.annotations.NullMarked;
