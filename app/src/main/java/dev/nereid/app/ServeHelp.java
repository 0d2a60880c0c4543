package dev.nereid.app;

import java.util.ArrayList;
import java.util.List;
import picocli.CommandLine.Help;
import picocli.CommandLine.IHelpSectionRenderer;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;

/** Writes the options of {@code nereid serve} under their headings. */
final class ServeHelp implements IHelpSectionRenderer {
  @Override
  public String render(Help help) {
    CommandSpec flags = mixin(help.commandSpec(), "flags");
    List<OptionSpec> general = new ArrayList<>(help.commandSpec().options());
    StringBuilder sections = new StringBuilder();
    for (ServeFlags.Section section : ServeFlags.SECTIONS) {
      List<OptionSpec> options = mixin(flags, section.field()).options();
      general.removeAll(options);
      sections.append(String.format("%n%s%n", section.heading())).append(list(help, options));
    }
    return list(help, general) + sections;
  }

  private static CommandSpec mixin(CommandSpec spec, String field) {
    CommandSpec mixin = spec.mixins().get(field);
    if (mixin == null) {
      throw new IllegalStateException(field + ": not a mixin (expected: " + spec.mixins() + ")");
    }
    return mixin;
  }

  private static String list(Help help, List<OptionSpec> options) {
    Help.Layout layout = help.createDefaultLayout(options, List.of(), help.colorScheme());
    layout.addOptions(options, help.createDefaultParamLabelRenderer());
    return layout.toString();
  }
}
