package dev.nereid.bench;

import dev.nereid.client.RawReply;

/**
 * Tells right replies from wrong ones: it learns the reply to each variant while nothing else runs,
 * and compares afterwards. Learning is done by one thread before any comparing; comparing by any
 * number.
 */
interface ReplyCheck {
  /** Takes every reply. */
  ReplyCheck NONE =
      new ReplyCheck() {
        @Override
        public void learn(int variant, RawReply reply) {}

        @Override
        public boolean matches(int variant, RawReply reply) {
          return true;
        }
      };

  /** This reply to that variant is the right one. */
  void learn(int variant, RawReply reply);

  /** Whether the reply says the same as the one learnt. */
  boolean matches(int variant, RawReply reply);
}
