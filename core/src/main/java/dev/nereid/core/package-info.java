/**
 * The words every room shares: tensors, leases on off-heap bytes, requests, deadlines, faults,
 * clocks, limits.
 */
@NullMarked
package dev.nereid.core;

import org.jspecify.annotations.NullMarked;
