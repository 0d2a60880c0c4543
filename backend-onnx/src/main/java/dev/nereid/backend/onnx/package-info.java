/** ONNX Runtime as a back end. */
@NullMarked
package dev.nereid.backend.onnx;

import org.jspecify.annotations.NullMarked;
