/** Listeners, limits, deadlines, drain, access log; knows no v2. */
@NullMarked
package dev.nereid.http;

import org.jspecify.annotations.NullMarked;
