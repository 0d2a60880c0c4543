package dev.nereid.app;

import java.lang.reflect.InvocationHandler;
import java.lang.reflect.Proxy;
import java.util.List;
import java.util.concurrent.CountDownLatch;

/**
 * Waits for SIGTERM or SIGINT, whose second arrival ends the process at once.
 *
 * <p>A shutdown hook would not do: hooks run side by side, and those of the native libraries free
 * what requests still use. The JDK's signal class is reached by reflection because the compiler
 * warns of it in a way that cannot be silenced.
 */
final class StopSignal {
  private static final int ENDED_AT_ONCE = 1;

  private static final String INTERRUPT = "INT";

  private final CountDownLatch arrived = new CountDownLatch(1);
  private volatile boolean interrupt;

  private StopSignal() {}

  /** Listens from now on. Where a JVM offers no signals, the process just ends on one. */
  @SuppressWarnings("ReferenceEquality") // a proxy is equal to itself only
  static StopSignal listen() {
    StopSignal signal = new StopSignal();
    InvocationHandler handler =
        (proxy, method, arguments) ->
            switch (method.getName()) {
              case "handle" -> {
                signal.arrive(String.valueOf(arguments[0]));
                yield null;
              }
              case "hashCode" -> System.identityHashCode(proxy);
              case "equals" -> arguments != null && arguments[0] == proxy;
              default -> "nereid";
            };
    try {
      Class<?> type = Class.forName("sun.misc.Signal");
      Class<?> handlerType = Class.forName("sun.misc.SignalHandler");
      Object proxy =
          Proxy.newProxyInstance(
              handlerType.getClassLoader(), new Class<?>[] {handlerType}, handler);
      for (String name : List.of("TERM", INTERRUPT)) {
        Object one = type.getConstructor(String.class).newInstance(name);
        type.getMethod("handle", type, handlerType).invoke(null, one, proxy);
      }
    } catch (ReflectiveOperationException e) {
      return signal;
    }
    return signal;
  }

  /** Returns once a signal has arrived. */
  void await() throws InterruptedException {
    arrived.await();
  }

  /** Whether one has arrived. */
  boolean hasArrived() {
    return arrived.getCount() == 0;
  }

  /** Whether it came from the keyboard. */
  boolean isInterrupt() {
    return interrupt;
  }

  /**
   * What a signal does.
   *
   * @param name as the JDK writes it: {@code SIGTERM}
   */
  void arrive(String name) {
    if (hasArrived()) {
      Runtime.getRuntime().halt(ENDED_AT_ONCE);
    }
    interrupt = name.endsWith(INTERRUPT);
    arrived.countDown();
  }
}
