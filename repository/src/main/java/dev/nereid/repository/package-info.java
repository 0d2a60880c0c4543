/** Finds model versions in their places and tells what changed. */
@NullMarked
package dev.nereid.repository;

import org.jspecify.annotations.NullMarked;
