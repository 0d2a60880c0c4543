package dev.nereid.server;

import dev.nereid.core.Fault;
import dev.nereid.core.FaultException;
import java.util.function.UnaryOperator;

/** What is logged, to be seen and changed while serving. Thread-safe. */
public interface LogControl {
  /** Of a server whose log is somebody else's: says that it cannot be changed here. */
  LogControl NONE =
      new LogControl() {
        @Override
        public LogSettings settings() {
          throw FaultException.of(Fault.UNSUPPORTED, "the logging extension is not offered here");
        }

        @Override
        public LogSettings update(UnaryOperator<LogSettings> change) {
          return settings();
        }
      };

  /** What is in force. */
  LogSettings settings();

  /**
   * Logs from now on as the change makes of what is in force; what the change throws leaves all as
   * it is.
   *
   * @return what is in force then
   */
  LogSettings update(UnaryOperator<LogSettings> change);
}
