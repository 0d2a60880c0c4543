package dev.nereid.access;

import java.io.Reader;
import org.snakeyaml.engine.v2.api.LoadSettings;
import org.snakeyaml.engine.v2.api.lowlevel.Parse;
import org.snakeyaml.engine.v2.events.Event;
import org.snakeyaml.engine.v2.exceptions.YamlEngineException;

/**
 * Finds nesting that is too deep in YAML before nodes are made of it, which the parser does by
 * recursion: without a limit, a file of brackets would use up the stack.
 */
public final class YamlNesting {
  /** Levels of maps and lists that a file may have; none of ours needs more than five. */
  public static final int MOST_LEVELS = 50;

  private YamlNesting() {}

  /**
   * Where a text passes {@link #MOST_LEVELS}.
   *
   * @return the line, counted from 1; 0 when it does not
   * @throws YamlEngineException when what comes before is no YAML
   */
  public static int tooDeep(LoadSettings yaml, Reader text) {
    int levels = 0;
    for (Event event : new Parse(yaml).parseReader(text)) {
      switch (event.getEventId()) {
        case MappingStart, SequenceStart -> levels++;
        case MappingEnd, SequenceEnd -> levels--;
        default -> {}
      }
      if (levels > MOST_LEVELS) {
        return event.getStartMark().map(mark -> mark.getLine() + 1).orElse(1);
      }
    }
    return 0;
  }
}
