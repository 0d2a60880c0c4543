package dev.nereid.config;

import com.google.protobuf.Descriptors.Descriptor;
import com.google.protobuf.Descriptors.FieldDescriptor;
import com.google.protobuf.TextFormat;
import com.google.protobuf.TextFormat.Parser.SingularOverwritePolicy;
import dev.nereid.config.proto.ModelConfig;
import dev.nereid.core.Fault;
import dev.nereid.core.FaultException;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/**
 * Reads and writes {@code config.pbtxt}, which is protobuf's text format. A refusal names the file,
 * line, column and field, what was expected there and, for a field that belongs elsewhere, the
 * right place. Thread-safe.
 */
public final class ConfigText {
  private static final String REFUSED = "failed to read text proto from ";

  private static final TextFormat.Parser PARSER =
      TextFormat.Parser.newBuilder()
          .setSingularOverwritePolicy(SingularOverwritePolicy.FORBID_SINGULAR_OVERWRITES)
          .build();

  /** How the parser lists a field it does not know: line, column and name below its message. */
  private static final Pattern UNKNOWN =
      Pattern.compile("(?m)^(\\d+):(\\d+):\\t\\w+\\.[\\w.]*?(\\[.*]|[^.\\s]+)$");

  private static final Pattern TWICE =
      Pattern.compile("Non-repeated field \"(?:\\w+\\.)*(\\w+)\" cannot be overwritten.*");

  private static final Pattern EITHER =
      Pattern.compile(
          "Field \"(?:\\w+\\.)*(\\w+)\" is specified along with field \"(?:\\w+\\.)*(\\w+)\".*");

  private ConfigText() {}

  /**
   * Reads a configuration.
   *
   * @param origin what messages call the text, usually the file's path
   * @throws FaultException with {@link Fault#INVALID_ARGUMENT} when the text is not a configuration
   */
  public static ModelConfig parse(String text, String origin) {
    String plain = text.startsWith("\uFEFF") ? text.substring(1) : text;
    ModelConfig.Builder config = ModelConfig.newBuilder();
    try {
      PARSER.merge(plain, config);
      return config.build();
    } catch (TextFormat.ParseException e) {
      throw FaultException.of(Fault.INVALID_ARGUMENT, REFUSED + explain(e, plain, origin));
    }
  }

  /** Writes a configuration in the form that {@link #parse} reads. */
  public static String print(ModelConfig config) {
    return TextFormat.printer().escapingNonAscii(false).printToString(config);
  }

  private static String explain(TextFormat.ParseException e, String text, String origin) {
    String unknown =
        UNKNOWN
            .matcher(String.valueOf(e.getMessage()))
            .results()
            .map(m -> unknown(m.group(1), m.group(2), m.group(3), text, origin))
            .collect(Collectors.joining("; "));
    if (!unknown.isEmpty()) {
      return unknown;
    }
    TextPosition position = TextPosition.at(text, e.getLine(), e.getColumn());
    String place = origin + ":" + e.getLine() + ":" + e.getColumn() + ": ";
    String said = String.valueOf(e.getMessage()).replaceFirst("^\\d+:\\d+: ", "");
    return place + explain(said, position);
  }

  private static String unknown(
      String line, String column, String name, String text, String origin) {
    TextPosition position = TextPosition.at(text, Integer.parseInt(line), Integer.parseInt(column));
    Descriptor block = ConfigSchema.block(position.blocks());
    String place = origin + ":" + line + ":" + column + ": ";
    return block == null
        ? place + "'" + name + "' is not a field of '" + position.blockPath() + "'"
        : place + ConfigSchema.unknownField(name, position.blockPath(), block);
  }

  private static String explain(String said, TextPosition position) {
    Matcher twice = TWICE.matcher(said);
    if (twice.matches()) {
      return "'" + twice.group(1) + "' is given twice" + inside(position) + " (expected: once)";
    }
    Matcher either = EITHER.matcher(said);
    if (either.matches()) {
      return "'%s' is given beside '%s'%s (expected: at most one of them)"
          .formatted(either.group(1), either.group(2), inside(position));
    }
    String found = position.token().isEmpty() ? "the end of the text" : position.token();
    Descriptor block = ConfigSchema.block(position.blocks());
    FieldDescriptor field = block == null ? null : block.findFieldByName(position.field());
    if (said.equals("Expected \",\".") && position.inList()) {
      return "'%s': found %s (expected: ',' between two elements of the list, or ']' after the last)"
          .formatted(position.field(), found);
    }
    if (position.inValue() && field != null) {
      String range = said.contains("out of range") ? " that fits " + bits(field) + " bits" : "";
      String open =
          said.contains("missing ending quote") ? " whose closing quote is on its line" : "";
      return "'%s'%s: found %s (expected: %s)"
          .formatted(
              position.field(),
              inside(position),
              found,
              ConfigSchema.expectation(field) + range + open);
    }
    String after = position.field().isEmpty() ? "" : " after '" + position.field() + "'";
    return (said.contains("Found") ? said : said + " Found " + found) + after + inside(position);
  }

  private static int bits(FieldDescriptor field) {
    return field.getJavaType() == FieldDescriptor.JavaType.LONG ? 64 : 32;
  }

  private static String inside(TextPosition position) {
    return position.blocks().isEmpty() ? "" : " in '" + position.blockPath() + "'";
  }
}
