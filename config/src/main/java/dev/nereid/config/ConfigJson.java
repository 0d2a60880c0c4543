package dev.nereid.config;

import dev.nereid.config.proto.ModelConfig;
import dev.nereid.core.Fault;
import dev.nereid.core.FaultException;
import java.io.StringWriter;
import tools.jackson.core.JacksonException;
import tools.jackson.core.JsonGenerator;
import tools.jackson.core.JsonParser;
import tools.jackson.core.ObjectReadContext;
import tools.jackson.core.ObjectWriteContext;
import tools.jackson.core.StreamReadFeature;
import tools.jackson.core.json.JsonFactory;

/**
 * The JSON form of a configuration: names as in {@code config.pbtxt}, defaults printed, blocks that
 * are not set left out, enums as names, 64-bit integers as numbers but for three places where
 * clients know them as strings. Thread-safe.
 */
public final class ConfigJson {
  private static final JsonFactory FACTORY =
      JsonFactory.builder().enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION).build();

  private ConfigJson() {}

  /** Writes a configuration as one JSON object. */
  public static String print(ModelConfig config) {
    StringWriter text = new StringWriter();
    try (JsonGenerator json = FACTORY.createGenerator(ObjectWriteContext.empty(), text)) {
      new JsonConfigWriter(json).write(config);
    }
    return text.toString();
  }

  /**
   * Reads a configuration. Field names may be in snake or camel case, enum names in any case.
   *
   * @throws FaultException with {@link Fault#INVALID_ARGUMENT} when the text is not JSON or has a
   *     field or value that the schema does not know
   */
  public static ModelConfig parse(String json) {
    try (JsonParser parser = FACTORY.createParser(ObjectReadContext.empty(), json)) {
      return new JsonConfigReader(parser).read();
    } catch (JacksonException e) {
      throw FaultException.of(
          Fault.INVALID_ARGUMENT,
          "model configuration: not valid JSON at line %d, column %d: %s"
              .formatted(
                  e.getLocation().getLineNr(),
                  e.getLocation().getColumnNr(),
                  e.getOriginalMessage()));
    }
  }
}
