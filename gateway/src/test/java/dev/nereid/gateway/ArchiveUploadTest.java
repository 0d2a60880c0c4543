package dev.nereid.gateway;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Pictures in archives, as people pack them and as others damage them. */
final class ArchiveUploadTest {
  private static final String ZIP = "application/zip";
  private static final String TAR = "application/x-tar";
  private static final int BODY_BYTES = 4 << 20;

  private static RunningGateway running;

  @TempDir private Path folder;

  @BeforeAll
  static void start() throws Exception {
    GatewayOptions options = RunningGateway.options();
    var limits = options.listener().limits().withBodyBytes(BODY_BYTES);
    running = new RunningGateway(options.with(options.listener().within(limits)));
  }

  @AfterAll
  static void stop() {
    running.close();
  }

  private static byte[] zip(Object... namesAndBytes) throws IOException {
    var bytes = new ByteArrayOutputStream();
    try (var zip = new ZipOutputStream(bytes)) {
      for (int i = 0; i < namesAndBytes.length; i += 2) {
        zip.putNextEntry(new ZipEntry((String) namesAndBytes[i]));
        zip.write((byte[]) namesAndBytes[i + 1]);
        zip.closeEntry();
      }
    }
    return bytes.toByteArray();
  }

  private static RunningGateway.Answer classify(String type, byte[] archive) throws Exception {
    return running.post("/predict_batch/classify", type, archive);
  }

  private static List<String> names(RunningGateway.Answer answer) {
    List<String> names = new ArrayList<>();
    answer.json().get("results").forEach(each -> names.add(each.get("filename").asString()));
    return names;
  }

  private static void assertRefused(RunningGateway.Answer answer, int status, String detail) {
    assertThat(answer.json().get("detail").asString()).contains(detail);
    assertThat(answer.status()).isEqualTo(status);
  }

  @Test
  void aZipOfPicturesIsABatch() throws Exception {
    byte[] picture = RunningGateway.sample("tiny.jpg");
    byte[] packed =
        zip(
            "a/",
            new byte[0],
            "a/one.jpg",
            picture,
            "__MACOSX/._one.jpg",
            new byte[100],
            ".hidden",
            picture,
            "notes.txt",
            "no picture".getBytes(StandardCharsets.UTF_8),
            "large.jpg",
            RunningGateway.sample("large.jpg"));
    var answer = classify(ZIP, packed);
    assertThat(answer.status()).isEqualTo(200);
    assertThat(names(answer)).containsExactly("a/one.jpg", "notes.txt", "large.jpg");
    assertThat(answer.json().get("failed_images").asInt()).isEqualTo(1);
  }

  @ParameterizedTest
  @ValueSource(strings = {"gnu", "ustar", "pax"})
  void aTarOfPicturesIsABatchWithLongNamesToo(String format) throws Exception {
    String deep = "d".repeat(90) + "/" + "e".repeat(90);
    Path source = Files.createDirectories(folder.resolve("in").resolve(deep));
    Files.write(source.resolve("one.jpg"), RunningGateway.sample("tiny.jpg"));
    Files.write(folder.resolve("in").resolve("two.jpg"), RunningGateway.sample("tiny.jpg"));
    var answer = classify(TAR, tar(format, deep, "two.jpg"));
    assertThat(answer.status()).isEqualTo(200);
    assertThat(names(answer)).containsExactly(deep + "/one.jpg", "two.jpg");
    assertThat(answer.json().get("processed_images").asInt()).isEqualTo(2);
  }

  private byte[] tar(String format, String... names) throws Exception {
    Path file = folder.resolve(format + ".tar");
    List<String> command = new ArrayList<>(List.of("tar", "--format=" + format, "-cf"));
    command.addAll(List.of(file.toString(), "-C", folder.resolve("in").toString()));
    command.addAll(List.of(names));
    assertThat(new ProcessBuilder(command).start().waitFor()).isZero();
    return Files.readAllBytes(file);
  }

  @Test
  void aTarWithALinkIsRefused() throws Exception {
    Files.createSymbolicLink(
        Files.createDirectories(folder.resolve("in")).resolve("passwd"), Path.of("/etc/passwd"));
    assertRefused(classify(TAR, tar("gnu", "passwd")), 422, "an entry of type '2'");
  }

  @Test
  void aModelOfOnePictureTakesNoArchive() throws Exception {
    byte[] packed = zip("one.jpg", RunningGateway.sample("tiny.jpg"));
    assertRefused(running.post("/classify", ZIP, packed), 415, "content-type");
  }

  @Test
  void anArchiveWithMorePicturesOrEntriesThanAllowedIsRefused() throws Exception {
    Object[] pictures = new Object[2 * (GatewayOptions.BATCH_IMAGES + 1)];
    Object[] folders =
        new Object[2 * (GatewayOptions.BATCH_IMAGES + ArchiveUpload.SPARE_ENTRIES + 1)];
    for (int i = 0; i < folders.length; i += 2) {
      if (i < pictures.length) {
        pictures[i] = i + ".jpg";
        pictures[i + 1] = new byte[1];
      }
      folders[i] = i + "/";
      folders[i + 1] = new byte[0];
    }
    assertRefused(classify(ZIP, zip(pictures)), 413, "more than 64");
    assertRefused(classify(ZIP, zip(folders)), 413, "too many entries");
  }

  @Test
  void aZipBombIsRefusedBeforeItIsUnpacked() throws Exception {
    byte[] bomb = zip("zeros.bmp", new byte[50 << 20]);
    assertThat(bomb.length).isLessThan(100_000);
    assertRefused(classify(ZIP, bomb), 413, "packed too well");
    byte[] hidden = zip(".zeros", new byte[50 << 20]);
    assertRefused(classify(ZIP, hidden), 413, "packed too well");
    assertThat(running.engine.memory().openLeases()).isZero();
  }

  @Test
  void anArchiveThatIsTooLargeUnpackedIsRefused() throws Exception {
    byte[] text = new byte[3 << 20];
    Random random = new Random(7);
    for (int i = 0; i < text.length; i++) {
      text[i] = (byte) random.nextInt(4);
    }
    Object[] files = new Object[6];
    for (int i = 0; i < files.length; i += 2) {
      files[i] = i + ".bmp";
      files[i + 1] = text;
    }
    byte[] packed = zip(files);
    assertThat(packed.length).isBetween(3 * text.length / ArchiveUpload.RATIO + 1, BODY_BYTES);
    assertRefused(classify(ZIP, packed), 413, "too large unpacked");
  }

  @ParameterizedTest
  @ValueSource(strings = {"/etc/cron.d/x.jpg", "a/../../x.jpg", "..", "C:/x.jpg", "a\\x", "a\nb"})
  void anArchiveWhoseNamesLeadOutOfItIsRefused(String name) throws Exception {
    byte[] packed = zip("good.jpg", RunningGateway.sample("tiny.jpg"), name, new byte[1]);
    assertRefused(classify(ZIP, packed), 400, "a file's name");
    assertThat(running.engine.memory().openLeases()).isZero();
  }

  @Test
  void aDamagedArchiveIsRefused() throws Exception {
    byte[] whole = zip("one.jpg", RunningGateway.sample("tiny.jpg"));
    assertRefused(classify(ZIP, Arrays.copyOf(whole, whole.length / 2)), 422, "archive");
    byte[] text = "no archive at all".getBytes(StandardCharsets.UTF_8);
    assertRefused(classify(ZIP, text), 422, "expected: a ZIP file");
    assertRefused(classify(TAR, text), 422, "expected: a tar file");
    assertRefused(classify(TAR, Arrays.copyOf(text, 1024)), 422, "expected: a tar file");
    Files.createDirectories(folder.resolve("in"));
    Files.write(folder.resolve("in").resolve("one.jpg"), RunningGateway.sample("large.jpg"));
    byte[] tar = tar("ustar", "one.jpg");
    assertRefused(classify(TAR, Arrays.copyOf(tar, 2000)), 422, "ends within a file");
    tar[124] = '9';
    assertRefused(classify(TAR, tar), 422, "archive");
  }
}
