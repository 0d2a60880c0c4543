/** What a model declares: schema, text format, normalisation and validation of config.pbtxt. */
@NullMarked
package dev.nereid.config;

import org.jspecify.annotations.NullMarked;
