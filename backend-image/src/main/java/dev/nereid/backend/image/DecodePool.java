package dev.nereid.backend.image;

import dev.nereid.image.OpenCv;
import dev.nereid.image.Workspace;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * The threads that decode pictures, for all models of one provider.
 *
 * <p>Bounded twice: as many threads as cores, and no more tasks than the batches under way have
 * pictures, since each instance waits for its batch. A thread owns the native memory it works in
 * and frees it when it ends; all end when nothing has been decoded for a while.
 */
final class DecodePool {
  private static final int IDLE_SECONDS = 60;

  private final ThreadPoolExecutor threads;

  /** Work for one thread, in that thread's workspace. */
  interface Task {
    void run(Workspace workspace);
  }

  DecodePool(int cores) {
    OpenCv.load();
    int size = Math.max(1, cores);
    AtomicInteger number = new AtomicInteger();
    threads =
        new ThreadPoolExecutor(
            size,
            size,
            IDLE_SECONDS,
            TimeUnit.SECONDS,
            new LinkedBlockingQueue<>(),
            work -> new DecodeThread(work, "image-decode-" + number.getAndIncrement()));
    threads.allowCoreThreadTimeOut(true);
  }

  void submit(Task task) {
    threads.execute(() -> task.run(((DecodeThread) Thread.currentThread()).workspace));
  }

  private static final class DecodeThread extends Thread {
    private final Workspace workspace = new Workspace();

    DecodeThread(Runnable work, String name) {
      super(work, name);
      setDaemon(true);
    }

    @Override
    public void run() {
      try (workspace) {
        super.run();
      }
    }
  }
}
