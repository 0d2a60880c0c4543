package dev.nereid.engine;

import dev.nereid.backend.BackendProvider;
import dev.nereid.backend.Instance;
import dev.nereid.backend.Model;
import dev.nereid.backend.ModelContext;
import dev.nereid.backend.ModelFiles;
import dev.nereid.backend.Placement;
import dev.nereid.config.proto.ModelConfig;
import java.util.Map;
import java.util.Set;
import java.util.function.Supplier;

/**
 * A back end out of a jar. Whenever its code is called, its own class loader is the thread's, as
 * libraries that look for classes by name expect.
 */
final class JarBackend implements BackendProvider {
  private final BackendProvider inside;
  private final ClassLoader loader;
  private final Runnable afterModel;

  /**
   * Wraps a back end.
   *
   * @param afterModel runs when a model of it is closed; harmless when it runs again
   */
  JarBackend(BackendProvider inside, ClassLoader loader, Runnable afterModel) {
    this.inside = inside;
    this.loader = loader;
    this.afterModel = afterModel;
  }

  /** Runs something with that class loader as the thread's. */
  static <T> T under(ClassLoader loader, Supplier<T> task) {
    Thread thread = Thread.currentThread();
    ClassLoader before = thread.getContextClassLoader();
    thread.setContextClassLoader(loader);
    try {
      return task.get();
    } finally {
      thread.setContextClassLoader(before);
    }
  }

  /** Ends what was begun for a model that was never opened. */
  void giveUp() {
    afterModel.run();
  }

  @Override
  public String name() {
    return inside.name();
  }

  @Override
  public Set<String> platforms() {
    return inside.platforms();
  }

  @Override
  public String defaultModelFilename() {
    return inside.defaultModelFilename();
  }

  @Override
  public int defaultCpuInstances() {
    return inside.defaultCpuInstances();
  }

  @Override
  public ModelConfig complete(ModelConfig declared, ModelFiles files, Map<String, String> options) {
    return under(loader, () -> inside.complete(declared, files, options));
  }

  @Override
  public Model open(ModelContext context) {
    Model model = under(loader, () -> inside.open(context));
    return new Model() {
      @Override
      public Instance newInstance(Placement placement) {
        // The thread belongs to the instance from now on, and so it keeps the class loader.
        Thread.currentThread().setContextClassLoader(loader);
        return model.newInstance(placement);
      }

      @Override
      public String summary() {
        return model.summary();
      }

      @Override
      public void close() {
        try {
          model.close();
        } finally {
          afterModel.run();
        }
      }
    };
  }
}
