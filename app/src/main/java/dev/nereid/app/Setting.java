package dev.nereid.app;

/**
 * An option set elsewhere than on the command line.
 *
 * @param name with its dashes, for instance {@code --http-port}
 * @param origin where it stands, for whoever must mend it
 */
record Setting(String name, String value, String origin) {
  /** As it would be typed. */
  String word() {
    return name + "=" + value;
  }
}
