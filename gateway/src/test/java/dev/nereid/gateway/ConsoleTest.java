package dev.nereid.gateway;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;

/** The console in a real browser, with nothing but the gateway in reach. */
@Timeout(180)
final class ConsoleTest {
  private static final List<String> VIEWS = List.of("playground", "live", "models", "traffic");

  private static @TempDir Path profile;
  private static Chromium browser;
  private static RunningGateway running;

  private final List<BrowserTab> tabs = new ArrayList<>();

  @BeforeAll
  static void start() throws Exception {
    browser = new Chromium(profile);
    running =
        new RunningGateway(
            RunningGateway.options().keeping(ResultCacheOptions.DEFAULT),
            RunningGateway.changeable());
  }

  @AfterAll
  static void stop() {
    if (browser != null) {
      browser.close();
    }
    if (running != null) {
      running.close();
    }
  }

  @AfterEach
  void noTabComplainedOrAskedAnybodyElse() throws Exception {
    for (BrowserTab tab : tabs) {
      assertThat(tab.complaints).isEmpty();
      assertThat(tab.requests)
          .isNotEmpty()
          .allMatch(url -> url.startsWith(running.url()) || url.startsWith("blob:"));
      tab.close();
    }
  }

  private BrowserTab open(String path, int width, boolean dark) throws Exception {
    BrowserTab tab = browser.tab(width, 900, dark);
    tabs.add(tab);
    tab.open(running.url() + path);
    return tab;
  }

  private BrowserTab open(String path) throws Exception {
    return open(path, 1280, false);
  }

  private static Path sample(String name) {
    return RunningGateway.SAMPLES.resolve(name);
  }

  private static void waitForBoxes(BrowserTab tab) throws Exception {
    tab.until("document.querySelectorAll('#details tbody tr').length > 0");
  }

  @Test
  void aDroppedPhotoIsShownWithItsBoxes() throws Exception {
    BrowserTab tab = open("/");
    String empty = tab.eval("document.querySelector('#canvas').toDataURL()").asString();
    tab.drop("#drop", sample("scene.jpg"));
    waitForBoxes(tab);
    assertThat(tab.text("#summary")).matches("\\d+ objects in 640 x 480 pixels");
    assertThat(tab.eval("document.querySelector('#canvas').ariaLabel").asString())
        .startsWith("scene.jpg, with boxes around: ");
    String shown = tab.eval("document.querySelector('#canvas').toDataURL()").asString();
    assertThat(shown).isNotEqualTo(empty);
    tab.eval("document.querySelector('#details button').focus()");
    assertThat(tab.eval("document.querySelector('#canvas').toDataURL()").asString())
        .as("the box whose row has the focus is lit")
        .isNotEqualTo(shown);
    tab.press("ArrowDown");
    assertThat(tab.eval("document.activeElement.closest('tr').rowIndex").asInt()).isEqualTo(2);
    assertThat(tab.text("#curl"))
        .isEqualTo(
            "curl -F 'image=@scene.jpg' '" + running.url() + "/predict/detect?confidence=0.25'");
    assertThat(tab.text("#phases")).contains("running the model", "in the server");
  }

  @Test
  void alikePhotosAreNearest() throws Exception {
    BrowserTab tab = open("/");
    tab.drop(
        "#drop", sample("scene.jpg"), sample("scene.jpg"), sample("tiny.jpg"), sample("grey.jpg"));
    tab.until("document.querySelectorAll('#nearest li').length === 3");
    List<Double> cosines = new ArrayList<>();
    tab.eval("[...document.querySelectorAll('.cosine')].map((each) => Number(each.textContent))")
        .forEach(cosine -> cosines.add(cosine.asDouble()));
    assertThat(cosines).isSortedAccordingTo((a, b) -> Double.compare(b, a));
    assertThat(cosines.getFirst()).isEqualTo(1.0);
    assertThat(cosines.getLast()).isBetween(-1.0, 0.99);
    assertThat(tab.text("#nearest .name")).startsWith("scene"); // the browser numbers the copy
    tab.click("#nearest li:last-child button");
    tab.until(
        "document.querySelector('#nearest-note').textContent.startsWith('Nearest to tiny.jpg')"
            + " || document.querySelector('#nearest-note').textContent.startsWith('Nearest to grey.jpg')");
  }

  @Test
  void anotherModelAnswersOtherwise() throws Exception {
    BrowserTab tab = open("/?model=classify&sample=tiny.jpg");
    tab.until("document.querySelector('#summary').textContent.includes('sure')");
    tab.eval(
        "document.querySelector('#model').value = 'embed';"
            + " document.querySelector('#model').dispatchEvent(new Event('change'))");
    tab.until("document.querySelector('#summary').textContent.includes('numbers for')");
    assertThat(tab.text("#curl")).contains("/predict/embed'");
  }

  @Test
  void aPhotoIsMadeSmallerWhenAsked() throws Exception {
    BrowserTab tab = open("/");
    tab.click("#prepare");
    tab.drop("#drop", sample("large.jpg"));
    waitForBoxes(tab);
    assertThat(tab.text("#prepared")).startsWith("612 KB became").contains("2048 x 1536 pixels");
    assertThat(tab.text("#summary")).contains("2048 x 1536");
    tab.drop("#drop", sample("rotated_90.jpg"));
    tab.until("document.querySelector('#prepared').textContent.startsWith('Sent as it is')");
    assertThat(tab.text("#prepared")).contains("480 x 640 pixels");
  }

  @Test
  void chartsFollowWhatIsAsked() throws Exception {
    BrowserTab tab = open("/#live");
    tab.eval(
        "document.querySelector('#every').value = '1000';"
            + " document.querySelector('#every').dispatchEvent(new Event('change'))");
    for (String name : List.of("Requests", "Latency", "Batch size", "Queues", "Cache hits")) {
      String chart = "document.querySelector('canvas[aria-label^=\"" + name + ", \"]')";
      while (!tab.eval("Number(" + chart + "?.dataset.points ?? 0) >= 3").asBoolean()) {
        running.post(
            "/detect",
            "image/jpeg",
            RunningGateway.sample("tiny.jpg"),
            "cache-control",
            "no-cache");
        running.post("/classify", "image/jpeg", RunningGateway.sample("tiny.jpg"));
      }
      assertThat(
              tab.eval(
                      chart
                          + ".getContext('2d').getImageData(0, 0, 300, 150).data"
                          + ".some((each) => each > 0)")
                  .asBoolean())
          .as("something is drawn: " + name)
          .isTrue();
    }
    tab.until("document.querySelector('canvas[aria-label^=\"Batch sizes\"]').dataset.points > 0");
    assertThat(tab.eval("document.querySelector('canvas[aria-label^=Requests]').ariaLabel"))
        .asString()
        .containsPattern("answered [\\d.]+, refused \\(4xx\\) 0, failed \\(5xx\\) 0");
    assertThat(tab.text("#tiles")).contains("State", "healthy", "p99", "Memory");
    assertThat(tab.text("#upstreams")).contains("run in this process");
    tab.click("#pause");
    assertThat(tab.eval("document.querySelector('#pause').ariaPressed").asString())
        .isEqualTo("true");
  }

  @Test
  void theTabKeyGoesAllTheWayInOrder() throws Exception {
    BrowserTab tab = open("/?sample=scene.jpg");
    waitForBoxes(tab);
    tab.eval("document.activeElement.blur()");
    List<String> way = new ArrayList<>();
    for (int i = 0; i < 60 && !way.contains("Health"); i++) {
      tab.press("Tab");
      JsonNode focused =
          tab.eval(
              """
              (() => {
                const at = document.activeElement;
                const style = getComputedStyle(at);
                const seen = style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 2;
                return [at.id || at.className || at.textContent, seen, at.tagName];
              })()
              """);
      assertThat(focused.get(1).asBoolean()).as("focus is seen at " + focused).isTrue();
      way.add(focused.get(0).asString().strip());
    }
    assertThat(way)
        .containsSubsequence(
            "skip",
            "Playground",
            "Live",
            "Models",
            "Traffic",
            "choose",
            "model",
            "confidence",
            "prepare",
            "run",
            "plain",
            "copy",
            "embed-samples",
            "API",
            "Health");
    assertThat(way).as("the boxes are one stop").containsOnlyOnce("plain");
  }

  @Test
  void viewsAreReachedByLinksAndTheFocusFollows() throws Exception {
    BrowserTab tab = open("/");
    for (String view : List.of("live", "models", "traffic", "playground")) {
      tab.click("header nav a[href=\"#" + view + "\"]");
      tab.until("document.activeElement.id === '" + view + "-title'");
      assertThat(
              tab.eval(
                  "[...document.querySelectorAll('.view')].filter((each) => !each.hidden)"
                      + ".map((each) => each.id)"))
          .hasToString("[\"" + view + "\"]");
      assertThat(tab.text("nav a[aria-current]")).isEqualToIgnoringCase(view);
    }
  }

  @ParameterizedTest
  @CsvSource({"1280, false", "1280, true", "375, false", "375, true"})
  void everythingCanBeReadAndFits(int width, boolean dark) throws Exception {
    BrowserTab tab = open("/?sample=scene.jpg", width, dark);
    waitForBoxes(tab);
    String check = resource("contrast.js");
    for (String view : VIEWS) {
      tab.eval("location.hash = '" + view + "'");
      tab.until("!document.querySelector('#" + view + "').hidden");
      if (view.equals("live")) {
        tab.until("document.querySelectorAll('#charts canvas').length > 5");
      } else if (view.equals("models")) {
        tab.until("document.querySelectorAll('#models-table tbody tr').length > 5");
      }
      assertThat(tab.eval(check)).as("text that is hard to read in " + view).isEmpty();
      assertThat(tab.eval("document.documentElement.scrollWidth - innerWidth").asInt())
          .as(view + " is wider than the window")
          .isZero();
      assertThat(
              tab.eval(
                  "[...document.querySelectorAll('button, input, select, canvas[role]')]"
                      + ".filter((each) => each.checkVisibility() && !each.labels?.length"
                      + " && !each.ariaLabel && !each.textContent.trim() && !each.title)"
                      + ".map((each) => each.outerHTML)"))
          .as("controls without a name in " + view)
          .isEmpty();
    }
  }

  private static String resource(String name) throws Exception {
    try (var in = ConsoleTest.class.getResourceAsStream(name)) {
      return new String(Objects.requireNonNull(in).readAllBytes(), StandardCharsets.UTF_8);
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"metrics-check.js", "prepare-check.js"})
  void modulesDoWhatTheyPromise(String checks) throws Exception {
    BrowserTab tab = open("/");
    assertThat(tab.eval(resource(checks))).isEmpty();
  }

  @Test
  void aKindThatTheBrowserDoesNotKnowIsShownByItsSizeAlone() throws Exception {
    Path tiff = profile.resolve("unknown.tif");
    Files.write(tiff, new byte[] {'I', 'I', '*', 0, 8, 0, 0, 0, 0, 0});
    BrowserTab tab = browser.tab(1280, 900, false); // the refusal is logged by the browser
    tab.open(running.url() + "/");
    tab.drop("#drop", tiff);
    tab.until("document.querySelector('#summary').className === 'error'");
    assertThat(tab.text("#summary")).matches("4\\d\\d: .+");
    tab.close();
  }
}
