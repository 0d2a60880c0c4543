package dev.nereid.server;

import dev.nereid.http.Refusal;
import dev.nereid.http.RefusalAnswers;

/** What v2 says when its listener refuses a request: Triton has no 413. Stateless. */
public final class V2Refusals implements RefusalAnswers {
  private static final RefusalAnswers USUAL = RefusalAnswers.json();

  @Override
  public Answer answer(Refusal refusal, String detail) {
    if (refusal != Refusal.BODY_TOO_LARGE) {
      return USUAL.answer(refusal, detail);
    }
    Answer usual =
        USUAL.answer(
            refusal,
            detail
                + ": exceeds the maximum allowed input size. Use --http-max-input-size to increase"
                + " the limit.");
    return new Answer(400, usual.headers(), usual.body());
  }
}
