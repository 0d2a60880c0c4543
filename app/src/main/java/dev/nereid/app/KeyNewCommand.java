package dev.nereid.app;

import dev.nereid.access.ApiKey;
import dev.nereid.access.Role;
import java.io.PrintWriter;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.regex.Pattern;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Tells the key on standard output, once; nothing keeps it. */
@Command(
    name = "new",
    description = {
      "Makes a key, and the line that lets its owner in.",
      "The key is shown this once: the file of callers has its digest alone."
    })
final class KeyNewCommand implements Callable<Integer> {
  private static final Pattern NAME = Pattern.compile("[A-Za-z0-9._@/-]{1,64}");

  @Mixin
  @SuppressWarnings("unused") // picocli acts on it
  private HelpFlag help = new HelpFlag();

  @Parameters(paramLabel = "NAME", description = "Whose it is, as logs will tell.")
  private String name = "";

  @Option(
      names = "--roles",
      paramLabel = "ROLE",
      split = ",",
      description = "What the owner may: inference, metrics, administration (inference).")
  private List<String> roles = new ArrayList<>();

  @Spec
  @SuppressWarnings("NullAway.Init") // by picocli
  private CommandSpec spec;

  @Override
  public Integer call() {
    if (!NAME.matcher(name).matches() || name.equals("anonymous")) {
      throw new Mishap(
          "NAME: " + name + " (expected: 1 to 64 letters, digits, and . _ @ / -, not anonymous)");
    }
    List<String> asked = roles.isEmpty() ? List.of(Role.INFERENCE.typed()) : roles;
    for (String role : asked) {
      if (Role.named(role) == null) {
        throw new Mishap("--roles: " + role + " (expected: inference, metrics or administration)");
      }
    }
    ApiKey key = ApiKey.make();
    PrintWriter out = spec.commandLine().getOut();
    out.println("The key, which is shown this once:");
    out.println();
    out.println("  " + key.reveal());
    out.println();
    out.println("The line for the file of callers (--callers-file):");
    out.println();
    out.printf("%s: {roles: [%s], keys: [\"%s\"]}%n", name, String.join(", ", asked), key.digest());
    out.flush();
    return 0;
  }
}
