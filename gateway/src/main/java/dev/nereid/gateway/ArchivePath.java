package dev.nereid.gateway;

import dev.nereid.core.Fault;
import dev.nereid.core.FaultException;

/** The names of files in archives: what an honest archive has, and what is passed over. */
final class ArchivePath {
  private static final int LONGEST = 1024;

  private ArchivePath() {}

  /**
   * Refuses names that no archive of pictures has: absolute ones, those that lead out of the
   * archive's folder, and those with characters that harm who prints them.
   *
   * @throws FaultException when it is such a name
   */
  static void require(String name) {
    if (!isSound(name)) {
      throw FaultException.of(
          Fault.INVALID_ARGUMENT,
          "archive: a file's name (expected: a path within the archive, without '..',"
              + " backslash or control characters)");
    }
  }

  private static boolean isSound(String name) {
    if (name.isEmpty() || name.length() > LONGEST || name.startsWith("/")) {
      return false;
    }
    for (int i = 0; i < name.length(); i++) {
      char c = name.charAt(i);
      if (Character.isISOControl(c) || c == '\\' || c == '\ufffd') {
        return false;
      }
    }
    boolean drive =
        name.length() > 1 && name.charAt(1) == ':' && Character.isLetter(name.charAt(0));
    return !drive && !hasPart(name, "..");
  }

  /** Whether a file is passed over: hidden, or what a Mac adds. */
  static boolean isHidden(String path) {
    for (String part : path.split("/", -1)) {
      if (part.startsWith(".") && !part.equals(".")) {
        return true;
      }
    }
    return hasPart(path, "__MACOSX");
  }

  private static boolean hasPart(String path, String wanted) {
    for (String part : path.split("/", -1)) {
      if (part.equals(wanted)) {
        return true;
      }
    }
    return false;
  }
}
