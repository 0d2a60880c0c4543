/** Image steps as models: preprocess, postprocess. */
@NullMarked
package dev.nereid.backend.image;

import org.jspecify.annotations.NullMarked;
