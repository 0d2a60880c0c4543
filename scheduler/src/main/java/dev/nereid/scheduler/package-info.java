/** Admits requests, forms batches, runs them on instances before their deadlines. */
@NullMarked
package dev.nereid.scheduler;

import org.jspecify.annotations.NullMarked;
