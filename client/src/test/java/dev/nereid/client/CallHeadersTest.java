package dev.nereid.client;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.nereid.core.FaultException;
import io.grpc.Metadata;
import java.nio.file.Files;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

final class CallHeadersTest {
  private static @Nullable String value(Metadata headers, String name) {
    return headers.get(Metadata.Key.of(name, Metadata.ASCII_STRING_MARSHALLER));
  }

  @Test
  void aTokenAloneIsABearers() {
    Metadata headers = CallHeaders.parse("\n  nrd_abc-123 \n\n");
    assertThat(value(headers, "authorization")).isEqualTo("Bearer nrd_abc-123");
    assertThat(headers.keys()).hasSize(1);
  }

  @Test
  void linesAreHeaders() {
    Metadata headers = CallHeaders.parse("X-Api-Key:  a:b c\r\n\nother: 2\n");
    assertThat(value(headers, "x-api-key")).isEqualTo("a:b c");
    assertThat(value(headers, "other")).isEqualTo("2");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        " \n",
        "a: secret\nsecret",
        "sec ret: secret",
        ": secret",
        "grpc-timeout: secret",
        "x-bin: secret",
        "content-type: secret",
        "te: secret",
        "a: secret\u0007",
        "a: s\u00e9cret",
        "secret\u00e9",
        "a:"
      })
  void whatCannotBeSentIsRefusedWithoutTellingIt(String text) {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> new UpstreamCredentials.OfText(text))
        .satisfies(e -> assertThat(e.getMessage()).doesNotContain("ecret").doesNotContain("sec"));
  }

  @Test
  void theTextIsNotTold() {
    assertThat(new UpstreamCredentials.OfText("secret").toString()).doesNotContain("secret");
  }

  @Test
  void aFileThatCannotBeUsedIsSaidAtTheStart(@TempDir Path folder) throws Exception {
    Path missing = folder.resolve("missing");
    assertThatThrownBy(() -> CallHeaders.open(new UpstreamCredentials.OfFile(missing)))
        .isInstanceOf(FaultException.class)
        .hasMessage("upstream credentials: " + missing + ": no such file");
    Path empty = Files.writeString(folder.resolve("empty"), "\n");
    assertThatThrownBy(() -> CallHeaders.open(new UpstreamCredentials.OfFile(empty)))
        .isInstanceOf(FaultException.class)
        .hasMessage(
            "upstream credentials: " + empty + ": empty (expected: NAME: VALUE, or a token)");
  }
}
