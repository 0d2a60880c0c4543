package dev.nereid.scheduler;

import dev.nereid.core.Reply;
import java.util.ArrayList;
import java.util.List;

/** Replies that were given outcomes and wait to be flushed, one of each group. Not thread-safe. */
final class HeldReplies {
  private List<Reply> replies = new ArrayList<>(4);

  /** Remembers to flush a reply's group. */
  void add(Reply reply) {
    Object group = reply.group();
    for (int i = replies.size() - 1; i >= 0; i--) {
      if (isOf(replies.get(i), group)) {
        return;
      }
    }
    replies.add(reply);
  }

  @SuppressWarnings("ReferenceEquality") // groups are compared by identity
  private static boolean isOf(Reply reply, Object group) {
    return reply.group() == group;
  }

  /** Flushes each group once. Flushing may give more outcomes, which are held anew. */
  void flush() {
    if (!replies.isEmpty()) {
      List<Reply> held = replies;
      replies = new ArrayList<>(4);
      held.forEach(Reply::flush);
    }
  }
}
