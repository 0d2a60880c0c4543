package dev.nereid.access;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import dev.nereid.core.Damage;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Random;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Damaged files of callers and of issuers' keys: each is read, or refused in words. */
@Timeout(60)
final class DamagedKeysTest {
  private static final int ROUNDS = 1000;
  private static final String DIGEST = "sha256:" + "ab".repeat(32);
  private static final String[] YAML = {
    "\n", ":", "- ", "{", "}", "[", "]", "'", "\"", "#", "&a", "*a", "!!x", "---", "\t", "|", "9e9"
  };
  private static final String[] JSON = {
    "{", "}", "[", "]", ",", ":", "\"", "null", "-1", "9e999", "\\u0000", "\"kty\"", "\"oct\""
  };

  @TempDir Path folder;

  @Test
  void aFileOfCallersIsReadOrRefusedWithItsLine() {
    String callers =
        """
        # who may call
        camera-1: {roles: [inference], keys: ["%s"], expires: 2027-01-31}
        boss@example.com:
          roles: [administration, metrics]
          subjects: ["CN=boss, O=Factory"]
          tokens: boss
          rate: 2.5
          burst: 7
          concurrency: 3
        anonymous: {roles: metrics}
        """
            .formatted(DIGEST);
    damage(callers.getBytes(StandardCharsets.UTF_8), YAML, CallersFile::parse, "line \\d+: .+");
  }

  @Test
  void aKeySetIsReadOrRefused() throws IOException {
    byte[] keys = Files.readAllBytes(new TestTokens().writeKeys(folder.resolve("jwks.json")));
    damage(keys, JSON, TokenKeys::parse, "(not a JSON Web Key Set|no RSA or EC key).*");
  }

  private static void damage(byte[] whole, String[] salt, Consumer<byte[]> reader, String refusal) {
    reader.accept(whole);
    Random random = new Random(5);
    int refused = 0;
    for (int i = 0; i < ROUNDS; i++) {
      byte[] damaged = Damage.of(whole, random, salt);
      try {
        reader.accept(damaged);
      } catch (IllegalArgumentException e) {
        assertThat(e).as("round %d", i).message().matches("(?s)" + refusal);
        refused++;
      }
    }
    assertThat(refused).isBetween(ROUNDS / 10, ROUNDS);
  }

  @Test
  void nestingWithoutEndIsRefused() {
    for (String deep : new String[] {"[", "{a: ", "a: [", "- ", "? "}) {
      byte[] yaml = deep.repeat(50_000).getBytes(StandardCharsets.UTF_8);
      assertThatIllegalArgumentException().as(deep).isThrownBy(() -> CallersFile.parse(yaml));
    }
    for (String deep : new String[] {"[", "{\"a\":", "{\"keys\":["}) {
      byte[] json = deep.repeat(100_000).getBytes(StandardCharsets.UTF_8);
      assertThatIllegalArgumentException().as(deep).isThrownBy(() -> TokenKeys.parse(json));
    }
  }
}
