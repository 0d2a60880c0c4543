package dev.nereid.server;

import dev.nereid.core.Fault;
import dev.nereid.core.FaultException;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * What is logged, as the logging extension has it.
 *
 * @param file where; empty when it is no file
 * @param verboseLevel 0 for nothing more; each level tells more
 * @param format one of {@link #FORMATS}
 */
public record LogSettings(
    String file, boolean info, boolean warning, boolean error, int verboseLevel, String format) {
  /** The forms of a line; the last one is Nereid's own. */
  public static final List<String> FORMATS = List.of("default", "ISO8601", "json");

  public LogSettings {
    if (verboseLevel < 0) {
      throw wrong("log_verbose_level", verboseLevel, "a whole number from 0 on");
    }
    if (!FORMATS.contains(format)) {
      throw wrong("log_format", format, String.join(", ", FORMATS));
    }
  }

  /**
   * These settings with others in the place of some.
   *
   * @param changes String, Boolean or Long values by the extension's names
   * @throws FaultException UNSUPPORTED for the file, INVALID_ARGUMENT for what is no setting
   */
  LogSettings with(Map<String, Object> changes) {
    LogSettings changed = this;
    for (Map.Entry<String, Object> change : changes.entrySet()) {
      changed = changed.with(change.getKey(), change.getValue());
    }
    return changed;
  }

  private LogSettings with(String name, Object value) {
    return switch (name) {
      case "log_file" ->
          throw FaultException.of(
              Fault.UNSUPPORTED, "log file location can not be updated through network protocol");
      case "log_info" ->
          new LogSettings(file, flag(name, value), warning, error, verboseLevel, format);
      case "log_warning" ->
          new LogSettings(file, info, flag(name, value), error, verboseLevel, format);
      case "log_error" ->
          new LogSettings(file, info, warning, flag(name, value), verboseLevel, format);
      case "log_verbose_level" -> {
        if (!(value instanceof Long level) || level < 0) {
          throw wrong(name, value, "a whole number from 0 on");
        }
        int most = (int) Math.min(level, Integer.MAX_VALUE);
        yield new LogSettings(file, info, warning, error, most, format);
      }
      case "log_format" -> {
        if (!(value instanceof String chosen)) {
          throw wrong(name, value, String.join(", ", FORMATS));
        }
        yield new LogSettings(file, info, warning, error, verboseLevel, chosen);
      }
      default -> throw wrong("log setting", name, String.join(", ", members().keySet()));
    };
  }

  private static boolean flag(String name, Object value) {
    if (value instanceof Boolean flag) {
      return flag;
    }
    throw wrong(name, value, "a boolean");
  }

  private static FaultException wrong(String name, Object value, String expected) {
    return FaultException.of(
        Fault.INVALID_ARGUMENT, name + ": " + value + " (expected: " + expected + ")");
  }

  /** All settings by the extension's names: String, Boolean or Long values. */
  Map<String, Object> members() {
    Map<String, Object> members = new LinkedHashMap<>();
    members.put("log_file", file);
    members.put("log_info", info);
    members.put("log_warning", warning);
    members.put("log_error", error);
    members.put("log_verbose_level", (long) verboseLevel);
    members.put("log_format", format);
    return members;
  }
}
