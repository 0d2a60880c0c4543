package dev.nereid.client;

import static org.assertj.core.api.Assertions.assertThat;

import dev.nereid.core.Damage;
import dev.nereid.core.Shape;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.CompletionException;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Servers whose replies are damaged: each call ends with a result or in words, and in time. */
@Timeout(60)
final class DamagedRepliesTest {
  private static EventLoops loops;

  @BeforeAll
  static void open() {
    loops = EventLoops.of(1);
  }

  @AfterAll
  static void closeLoops() {
    loops.close();
  }

  private static PlainHttpServer.Response damaged(PlainHttpServer.Response sound, Random random) {
    byte[] body = Damage.of(sound.body(), random, "{", "]", "\"", ":", "null", "-1", "1e999");
    Map<String, String> headers = sound.headers();
    return new PlainHttpServer.Response(sound.status(), headers, body);
  }

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void aReplyIsReadOrSaidToBeNone(boolean json) {
    Random random = new Random(29);
    try (var server =
            new PlainHttpServer(
                request ->
                    damaged(
                        json
                            ? HttpInferenceClientTest.echoJson(request)
                            : HttpInferenceClientTest.echoBinary(request),
                        random));
        var client = new HttpInferenceClient(options(server, json), loops)) {
      InferCall call =
          InferCall.of(
              "m",
              InferInput.floats("f", Shape.of(1, 4), 1.5f, -2, 7, 0),
              InferInput.strings("s", Shape.of(2), "a", "b"));
      int malformed = 0;
      for (int round = 0; round < 400; round++) {
        try {
          InferResult result = client.infer(call).join();
          result.outputs().forEach(output -> assertThat(output.name()).isNotNull());
        } catch (CompletionException e) {
          assertThat(e.getCause())
              .as("round %d", round)
              .isInstanceOfSatisfying(
                  InferenceException.class,
                  failed ->
                      assertThat(failed.failure().kind()).isEqualTo(CallFailure.Kind.MALFORMED));
          malformed++;
        }
      }
      assertThat(malformed).isGreaterThan(100);
    }
  }

  private static HttpOptions options(PlainHttpServer server, boolean json) {
    HttpOptions options = HttpOptions.of(server.endpoint());
    return json ? options.withJson() : options;
  }
}
