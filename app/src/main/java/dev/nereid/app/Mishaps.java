package dev.nereid.app;

import dev.nereid.core.FaultException;
import java.io.PrintWriter;
import java.nio.file.AccessDeniedException;
import java.nio.file.NoSuchFileException;
import java.util.List;
import picocli.CommandLine;
import picocli.CommandLine.IExecutionExceptionHandler;
import picocli.CommandLine.IParameterExceptionHandler;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.ParseResult;
import picocli.CommandLine.UnmatchedArgumentException;

/** Says in one line what went wrong and what helps; a defect shows its stack. Exit code 1. */
final class Mishaps implements IParameterExceptionHandler, IExecutionExceptionHandler {
  static final int FAILED = 1;

  @Override
  public int handleParseException(ParameterException problem, String[] arguments) {
    CommandLine command = problem.getCommandLine();
    String name = command.getCommandSpec().qualifiedName();
    PrintWriter err = command.getErr();
    err.println(name + ": " + describe(problem) + "; see " + name + " --help");
    return FAILED;
  }

  @Override
  public int handleExecutionException(Exception problem, CommandLine command, ParseResult parsed) {
    PrintWriter err = command.getErr();
    String prefix = command.getCommandSpec().qualifiedName() + ": ";
    switch (problem) {
      case Mishap mishap -> err.println(prefix + mishap.getMessage());
      case FaultException fault -> err.println(prefix + fault.failure().message());
      case NoSuchFileException missing ->
          err.println(prefix + missing.getFile() + ": no such file or directory");
      case AccessDeniedException denied ->
          err.println(prefix + denied.getFile() + ": permission denied");
      default -> {
        err.println(prefix + "a defect of Nereid; please report it with what follows");
        problem.printStackTrace(err);
      }
    }
    return FAILED;
  }

  private static String describe(ParameterException problem) {
    if (problem instanceof UnmatchedArgumentException unmatched) {
      String word = unmatched.getUnmatched().getFirst();
      String kind = unmatched.isUnknownOption() ? "unknown option " : "not understood: ";
      String typed = unmatched.isUnknownOption() ? optionName(word) : word;
      List<String> known = NearestName.among(names(unmatched), typed);
      return kind + typed + (known.isEmpty() ? "" : ", did you mean " + known.getFirst() + "?");
    }
    return String.valueOf(problem.getMessage());
  }

  private static List<String> names(UnmatchedArgumentException unmatched) {
    var spec = unmatched.getCommandLine().getCommandSpec();
    if (unmatched.isUnknownOption()) {
      return List.copyOf(spec.optionsMap().keySet());
    }
    return List.copyOf(spec.subcommands().keySet());
  }

  private static String optionName(String word) {
    int equals = word.indexOf('=');
    return equals < 0 ? word : word.substring(0, equals);
  }
}
