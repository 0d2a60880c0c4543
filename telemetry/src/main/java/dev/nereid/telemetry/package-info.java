/** The one list of published numbers, traces and logs. */
@NullMarked
package dev.nereid.telemetry;

import org.jspecify.annotations.NullMarked;
