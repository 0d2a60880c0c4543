package dev.nereid.core;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.nereid.core.FollowedFiles.Look;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class FollowedFilesTest {
  @TempDir private Path folder;
  private final List<String> taken = new ArrayList<>();
  private Path first;
  private Path second;

  @BeforeEach
  void write() throws IOException {
    first = Files.writeString(folder.resolve("first"), "a");
    second = Files.writeString(folder.resolve("second"), "b");
  }

  /** Takes everything but what holds a question mark. */
  private FollowedFiles follow() throws GeneralSecurityException {
    return new FollowedFiles(
        List.of(first, second),
        10,
        contents -> {
          StringBuilder text = new StringBuilder();
          contents.forEach(
              each -> text.append(new String(each, StandardCharsets.UTF_8)).append('|'));
          if (text.indexOf("?") >= 0) {
            throw new GeneralSecurityException("a question");
          }
          if (text.indexOf("!") >= 0) {
            throw new IllegalArgumentException("a cry");
          }
          taken.add(text.toString());
        });
  }

  @Test
  void whatTheyHoldCountsOnceItWasTheSameForTwoLooks() throws Exception {
    FollowedFiles files = follow();
    assertThat(files.look()).isEqualTo(Look.SAME);
    Files.writeString(first, "c");
    assertThat(files.look()).isEqualTo(Look.CHANGING);
    Files.writeString(second, "d");
    assertThat(files.look()).isEqualTo(Look.CHANGING);
    assertThat(taken).containsExactly("a|b|");
    assertThat(files.look()).isEqualTo(Look.TAKEN);
    assertThat(files.look()).isEqualTo(Look.SAME);
    assertThat(taken).containsExactly("a|b|", "c|d|");
  }

  @Test
  void whatMovesFromOneFileToTheOtherIsAChange() throws Exception {
    Files.writeString(first, "ab");
    Files.writeString(second, "");
    FollowedFiles files = follow();
    Files.writeString(first, "a");
    Files.writeString(second, "b");
    assertThat(files.look()).isEqualTo(Look.CHANGING);
    assertThat(files.look()).isEqualTo(Look.TAKEN);
  }

  @Test
  void whatCannotBeUsedLeavesThatOfBeforeInForce() throws Exception {
    FollowedFiles files = follow();
    Files.writeString(first, "?");
    assertThat(files.look()).isEqualTo(Look.CHANGING);
    assertThat(files.look()).isEqualTo(Look.REFUSED);
    assertThat(files.isNews()).isTrue();
    assertThat(files.complaint()).isEqualTo("a question");
    assertThat(files.look()).isEqualTo(Look.REFUSED);
    assertThat(files.isNews()).as("the same again").isFalse();
    Files.writeString(first, "!");
    assertThat(files.look()).isEqualTo(Look.CHANGING);
    assertThat(files.look()).isEqualTo(Look.REFUSED);
    assertThat(files.isNews()).isTrue();
    assertThat(taken).hasSize(1);
    Files.writeString(first, "a");
    assertThat(files.look()).as("as it was").isEqualTo(Look.SAME);
    assertThat(files.complaint()).isEmpty();
  }

  @Test
  void filesThatAreGoneOrTooLargeAreRefused() throws Exception {
    FollowedFiles files = follow();
    Files.delete(first);
    assertThat(files.look()).isEqualTo(Look.REFUSED);
    assertThat(files.complaint()).isEqualTo(first + ": no such file");
    Files.writeString(first, "01234567890");
    assertThat(files.look()).isEqualTo(Look.REFUSED);
    assertThat(files.complaint()).isEqualTo(first + ": larger than 10 bytes");
    Files.delete(first);
    Files.createDirectory(first);
    assertThat(files.look()).isEqualTo(Look.REFUSED);
    Files.delete(first);
    Files.writeString(first, "e");
    assertThat(files.look()).isEqualTo(Look.CHANGING);
    assertThat(files.look()).isEqualTo(Look.TAKEN);
  }

  @Test
  void whatIsWrongAtTheBeginningIsThrown() throws Exception {
    Files.writeString(first, "?");
    assertThatThrownBy(this::follow)
        .isInstanceOf(GeneralSecurityException.class)
        .hasMessage("a question");
    Files.delete(second);
    assertThatIllegalArgumentException()
        .isThrownBy(this::follow)
        .withMessage(second + ": no such file");
  }
}
