package dev.nereid.app;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.ParameterException;

/**
 * Options from where they may stand besides the command line: the environment, where {@code
 * --http-port} is {@code NEREID_HTTP_PORT}, and a file named by {@code --config}. The command line
 * wins over the environment, and that over the file; an option that may be repeated is taken from
 * one of them, not collected from all. Last come the variables that OpenTelemetry has for all.
 */
final class Settings {
  static final String FILE_OPTION = "--config";
  private static final String PREFIX = "NEREID_";

  /** Read by the launcher, and no options. */
  private static final Set<String> LAUNCHER =
      Set.of(
          "NEREID_AOT",
          "NEREID_CACHE_DIR",
          "NEREID_GC",
          "NEREID_HOME",
          "NEREID_JAVA_OPTS",
          "NEREID_MEMORY");

  private final CommandLine command;
  private final List<String> typed;
  private final Map<String, String> environment;

  private Settings(CommandLine command, List<String> typed, Map<String, String> environment) {
    this.command = command;
    this.typed = typed;
    this.environment = environment;
  }

  /**
   * The words of a command line, with those before them that come from elsewhere.
   *
   * @param command the command that the first word names, if it takes settings
   * @throws Mishap when a setting is not known or its value not understood, with where it stands
   */
  static String[] expand(
      @Nullable CommandLine command, String[] words, Map<String, String> environment) {
    if (command == null || !command.getCommandSpec().optionsMap().containsKey(FILE_OPTION)) {
      return words;
    }
    List<String> typed = Arrays.asList(words).subList(1, words.length);
    List<String> expanded = new ArrayList<>();
    expanded.add(words[0]);
    new Settings(command, typed, environment)
        .settings()
        .forEach(setting -> expanded.add(setting.word()));
    expanded.addAll(typed);
    return expanded.toArray(String[]::new);
  }

  private List<Setting> settings() {
    List<Setting> fromEnvironment = fromEnvironment();
    Set<String> given = new HashSet<>();
    typed.forEach(word -> given.add(canonical(nameOf(word))));
    fromEnvironment.removeIf(setting -> given.contains(canonical(setting.name())));
    fromEnvironment.forEach(setting -> given.add(canonical(setting.name())));
    String file = file();
    List<Setting> settings = new ArrayList<>();
    if (file != null) {
      settings.addAll(SettingsFile.read(Path.of(file)));
      settings.forEach(this::require);
      settings.removeIf(setting -> given.contains(canonical(setting.name())));
    }
    settings.addAll(fromEnvironment);
    settings.forEach(setting -> given.add(canonical(setting.name())));
    for (Setting setting : OpenTelemetryVariables.settings(environment)) {
      if (isKnown(setting.name()) && !given.contains(canonical(setting.name()))) {
        settings.add(setting);
      }
    }
    settings.forEach(this::check);
    return settings;
  }

  private @Nullable String file() {
    String file = environment.get(PREFIX + "CONFIG");
    for (int i = 0; i < typed.size(); i++) {
      if (typed.get(i).startsWith(FILE_OPTION + "=")) {
        file = typed.get(i).substring(FILE_OPTION.length() + 1);
      } else if (typed.get(i).equals(FILE_OPTION) && i + 1 < typed.size()) {
        file = typed.get(i + 1);
      }
    }
    return file;
  }

  /** Variables that set no option are left alone: Kubernetes, too, makes names like these. */
  private List<Setting> fromEnvironment() {
    List<Setting> settings = new ArrayList<>();
    new TreeMap<>(environment)
        .forEach(
            (variable, value) -> {
              if (!variable.startsWith(PREFIX) || LAUNCHER.contains(variable)) {
                return;
              }
              String name =
                  "--"
                      + variable
                          .substring(PREFIX.length())
                          .toLowerCase(Locale.ROOT)
                          .replace('_', '-');
              if (isKnown(name) && !name.equals(FILE_OPTION)) {
                settings.addAll(values(name, value, variable));
              }
            });
    return settings;
  }

  /** Where an option may be repeated, a variable holds its values with commas between. */
  private List<Setting> values(String name, String value, String origin) {
    OptionSpec option = command.getCommandSpec().optionsMap().get(name);
    if (option == null || !option.isMultiValue()) {
      return List.of(new Setting(name, value, origin));
    }
    return Arrays.stream(value.split(",", -1))
        .map(each -> new Setting(name, each.strip(), origin))
        .toList();
  }

  private boolean isKnown(String name) {
    return command.getCommandSpec().optionsMap().containsKey(name) || TritonFlags.isKnown(name);
  }

  private void require(Setting setting) {
    if (setting.name().equals(FILE_OPTION)) {
      throw new Mishap(setting.origin() + ": config names this file, and cannot stand in it");
    }
    if (!isKnown(setting.name())) {
      List<String> near =
          NearestName.among(command.getCommandSpec().optionsMap().keySet(), setting.name());
      throw new Mishap(
          "%s: unknown setting %s%s"
              .formatted(
                  setting.origin(),
                  setting.name().substring(2),
                  near.isEmpty() ? "" : ", did you mean " + near.getFirst().substring(2) + "?"));
    }
  }

  /** Reads a setting alone, so that what is wrong with it can be told with where it stands. */
  private void check(Setting setting) {
    if (!command.getCommandSpec().optionsMap().containsKey(setting.name())) {
      return;
    }
    try {
      var _ = command.getParent().parseArgs(command.getCommandName(), setting.word());
    } catch (ParameterException e) {
      throw new Mishap(setting.origin() + ": " + e.getMessage());
    }
  }

  /** One name for all names of an option. */
  private String canonical(String name) {
    OptionSpec option = command.getCommandSpec().optionsMap().get(name);
    return option == null ? name : option.longestName();
  }

  private static String nameOf(String word) {
    int equals = word.indexOf('=');
    return equals < 0 ? word : word.substring(0, equals);
  }
}
