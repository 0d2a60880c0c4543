package dev.nereid.gateway;

import static org.assertj.core.api.Assertions.assertThat;

import dev.nereid.access.AccessControl;
import dev.nereid.access.AccessOptions;
import dev.nereid.access.ApiKey;
import dev.nereid.access.CallerLimits;
import dev.nereid.core.Ticker;
import dev.nereid.http.Guarding;
import dev.nereid.telemetry.Metrics;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;

/** What administrators change in the console, and what others may not, in a real browser. */
@Timeout(180)
final class ConsoleChangesTest {
  private static final ApiKey WATCHER = ApiKey.make();
  private static final ApiKey CHIEF = ApiKey.make();

  private static @TempDir Path folder;
  private static Chromium browser;
  private static RunningGateway running;

  @BeforeAll
  static void start() throws Exception {
    browser = new Chromium(folder.resolve("profile"));
    running = new RunningGateway(RunningGateway.options(), RunningGateway.changeable());
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

  private static BrowserTab open(String path) throws Exception {
    BrowserTab tab = browser.tab(1280, 900, false);
    tab.open(running.url() + path);
    return tab;
  }

  private static void close(BrowserTab tab) throws Exception {
    assertThat(tab.complaints).isEmpty();
    tab.close();
  }

  /** The button with that name. */
  private static String named(String name) {
    return "button[aria-label=\"" + name + "\"]";
  }

  private static void waitFor(BrowserTab tab, String selector) throws Exception {
    tab.until("document.querySelector('" + selector + "')");
  }

  private static void waitForNote(BrowserTab tab, String view, String text) throws Exception {
    tab.until("document.querySelector('#" + view + "-note').textContent.includes('" + text + "')");
  }

  private static String state(String model) throws Exception {
    for (JsonNode entry : running.get("/models/index").json().get("models")) {
      if (entry.get("name").asString().equals(model)) {
        return entry.get("state").asString();
      }
    }
    return "";
  }

  @Test
  void modelsAreUnloadedAndLoaded() throws Exception {
    BrowserTab tab = open("/#models");
    waitFor(tab, named("Unload simple"));
    assertThat(tab.eval("document.querySelectorAll('#models-table tbody tr').length").asInt())
        .isEqualTo(14);
    tab.click(named("Unload simple"));
    tab.until("document.querySelector('#confirm').open");
    tab.press("Escape");
    tab.until("!document.querySelector('#confirm').open");
    assertThat(state("simple")).isEqualTo("READY");
    tab.click(named("Unload simple"));
    tab.until("document.querySelector('#confirm').open");
    tab.click("#confirm-yes");
    waitFor(tab, named("Load simple"));
    assertThat(state("simple")).isIn("UNLOADING", "UNAVAILABLE");
    tab.click(named("Load simple"));
    waitForNote(tab, "models", "simple: loaded");
    waitFor(tab, named("Unload simple"));
    assertThat(state("simple")).isEqualTo("READY");
    tab.click("#find");
    tab.type("shapes");
    tab.until("document.querySelectorAll('#models-table tbody tr').length === 3");
    close(tab);
  }

  @Test
  void aModelThatCannotBeLoadedIsToldWhy() throws Exception {
    var answer = running.post("/models/nowhere/load", "application/json", new byte[0]);
    assertThat(answer.status()).isEqualTo(500);
    assertThat(answer.json().get("detail").asString()).contains("failed to load 'nowhere'");
    assertThat(running.post("/models/nowhere/unload", "", new byte[0]).status()).isEqualTo(200);
  }

  @Test
  void stepsGoWithTheirEnsembleWhenAsked() throws Exception {
    running.post("/models/classify/load", "", new byte[0]);
    running.post("/models/classify/unload?dependents=true", "", new byte[0]);
    assertThat(state("classify")).isIn("UNLOADING", "UNAVAILABLE");
    assertThat(running.post("/models/classify/load", "", new byte[0]).status()).isEqualTo(200);
    assertThat(state("classify")).isEqualTo("READY");
  }

  @Test
  void aPlanIsMadeComparedPromotedRolledBackAndRemoved() throws Exception {
    BrowserTab tab = open("/#traffic");
    tab.until("[...document.querySelector('#plan-model').options].length === 3");
    tab.eval("document.querySelector('#plan-model').value = 'detect'");
    tab.click("#plan-form button");
    waitFor(tab, ".plan");
    tab.eval(
        "[...document.querySelectorAll('.plan button')]"
            + ".find((each) => each.textContent === 'Add a shadow').click()");
    tab.eval(
        "[...document.querySelectorAll('.plan button')]"
            + ".find((each) => each.textContent === 'Add an arm').click()");
    tab.click(".arm:nth-child(2) [name=weight]");
    tab.eval("document.activeElement.select()");
    tab.type("3");
    tab.click(".plan .primary");
    waitForNote(tab, "traffic", "in force");
    JsonNode plan = running.get("/traffic/detect").json();
    assertThat(plan.at("/arms/1/share").asDouble()).isEqualTo(0.75);
    assertThat(plan.at("/shadow/iou").asDouble()).isEqualTo(0.5);
    running.post("/detect", "image/jpeg", RunningGateway.sample("scene.jpg"));
    tab.until("/Compared1/.test(document.querySelector('.shadow dl').textContent)");
    assertThat(tab.text(".shadow dl")).contains("Different0 (0 %)", "Mean IoU1.0000");

    tab.click(named("Promote arm-2 of detect"));
    tab.until("document.querySelector('#confirm').open");
    tab.click("#confirm-yes");
    waitForNote(tab, "traffic", "arm-2 gets everything");
    assertThat(running.get("/traffic/detect").json().get("arms")).hasSize(1);
    tab.click(named("Roll back: detect"));
    tab.click("#confirm-yes");
    waitForNote(tab, "traffic", "the plan before");
    assertThat(running.get("/traffic/detect").json().get("arms")).hasSize(2);
    tab.click(named("Remove: detect"));
    tab.click("#confirm-yes");
    waitForNote(tab, "traffic", "no plan");
    assertThat(running.get("/traffic/detect").status()).isEqualTo(404);
    close(tab);
  }

  @Test
  void aPlanThatMakesNoSenseStaysOpenWithTheReason() throws Exception {
    BrowserTab tab = browser.tab(1280, 900, false); // its browser logs the refusal
    tab.open(running.url() + "/#traffic");
    tab.until("[...document.querySelector('#plan-model').options].length === 3");
    tab.eval("document.querySelector('#plan-model').value = 'embed'");
    tab.click("#plan-form button");
    waitFor(tab, ".plan");
    tab.eval("document.querySelector('.plan [name=weight]').value = '0'");
    tab.click(".plan .primary");
    waitForNote(tab, "traffic", "weights (expected: one above 0 at least)");
    assertThat(tab.eval("document.querySelectorAll('.plan').length").asInt()).isOne();
    tab.close();
  }

  @Test
  void whoIsAskedGivesTheKeyOnceAndSeesWhatTheRolesAllow() throws Exception {
    Path callers = folder.resolve("callers.yaml");
    Files.writeString(
        callers,
        """
        watcher: {roles: [inference, metrics], keys: ["%s"]}
        chief: {roles: [inference, metrics, administration], keys: ["%s"]}
        """
            .formatted(WATCHER.digest(), CHIEF.digest()));
    GatewayOptions options = RunningGateway.options();
    try (var access =
            new AccessControl(
                new AccessOptions(callers, null, CallerLimits.NONE),
                new Metrics(),
                Ticker.system());
        var guarded =
            new RunningGateway(
                options.with(options.listener().guarded(Guarding.by(access))),
                RunningGateway.changeable())) {
      BrowserTab tab = browser.tab(1280, 900, false); // its browser logs the refusals
      tab.open(guarded.url() + "/#models");
      tab.until("!document.querySelector('#key-panel').hidden");
      assertThat(tab.text("#key-why")).contains("needed");
      giveKey(tab, "nrd_of-nobody");
      tab.until("document.querySelector('#key-why').textContent.includes('not accepted')");
      giveKey(tab, WATCHER.reveal());
      tab.until("document.querySelector('#key-button').textContent === 'watcher'");
      tab.until("document.querySelectorAll('#models-table tbody tr').length === 14");
      assertThat(tab.eval("document.querySelectorAll('#models-table button').length").asInt())
          .isZero();
      assertThat(tab.text("#models-note")).contains("for administrators");
      tab.click("#key-button");
      giveKey(tab, CHIEF.reveal());
      waitFor(tab, named("Unload simple"));
      assertThat(tab.text("#curl")).contains("-H 'authorization: Bearer KEY'");
      assertThat(tab.eval("document.body.innerHTML").asString()).doesNotContain(CHIEF.reveal());
      assertThat(tab.eval("localStorage.length + document.cookie.length").asInt()).isZero();
      tab.eval("location.hash = 'live'");
      tab.until("document.querySelectorAll('#tiles .tile').length > 5");
      tab.close();
      var refused =
          guarded.post(
              "/models/simple/unload",
              "",
              new byte[0],
              "authorization",
              "Bearer " + WATCHER.reveal());
      assertThat(refused.status()).isEqualTo(403);
    }
  }

  private static void giveKey(BrowserTab tab, String key) throws Exception {
    tab.click("#key");
    tab.type(key);
    tab.press("Enter");
    tab.until("document.querySelector('#key').value === ''");
  }
}
