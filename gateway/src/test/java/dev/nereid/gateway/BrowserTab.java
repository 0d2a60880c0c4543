package dev.nereid.gateway;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import tools.jackson.databind.JsonNode;

/** A tab of a browser, and what it complained of and asked for. */
final class BrowserTab {
  private static final long PATIENCE_SECONDS = 60;

  /** What its pages wrote to the console as errors or warnings, threw, or were refused. */
  final List<String> complaints = new CopyOnWriteArrayList<>();

  /** The addresses it asked for. */
  final List<String> requests = new CopyOnWriteArrayList<>();

  private final Chromium browser;
  private final String session;

  BrowserTab(Chromium browser, String session) {
    this.browser = browser;
    this.session = session;
  }

  void start(int width, int height, boolean dark) throws Exception {
    for (String domain : List.of("Page", "Runtime", "Log", "Network", "DOM")) {
      call(domain + ".enable", Map.of());
    }
    size(width, height);
    call(
        "Emulation.setEmulatedMedia",
        Map.of(
            "features",
            List.of(Map.of("name", "prefers-color-scheme", "value", dark ? "dark" : "light"))));
    call("Emulation.setFocusEmulationEnabled", Map.of("enabled", true));
  }

  /** Makes the page so big; below 500 pixels it is a phone. */
  void size(int width, int height) throws Exception {
    call(
        "Emulation.setDeviceMetricsOverride",
        Map.of("width", width, "height", height, "deviceScaleFactor", 1, "mobile", width < 500));
  }

  JsonNode call(String method, Map<String, ?> parameters) throws Exception {
    return browser.call(session, method, parameters);
  }

  void event(String method, JsonNode parameters) {
    switch (method) {
      case "Network.requestWillBeSent" -> requests.add(parameters.at("/request/url").asString());
      case "Runtime.exceptionThrown" ->
          complaints.add(parameters.get("exceptionDetails").toString());
      case "Runtime.consoleAPICalled" -> {
        if (List.of("error", "warning", "assert").contains(parameters.get("type").asString())) {
          complaints.add(parameters.get("args").toString());
        }
      }
      case "Log.entryAdded" -> {
        JsonNode entry = parameters.get("entry");
        if (List.of("error", "warning").contains(entry.get("level").asString())) {
          complaints.add(entry.toString());
        }
      }
      default -> {}
    }
  }

  /** Goes to an address of the console, and waits until it is ready. */
  void open(String url) throws Exception {
    call("Page.navigate", Map.of("url", url));
    until("document.documentElement?.dataset.ready === 'true'");
  }

  /** What an expression is worth; one that is a promise is waited for. */
  JsonNode eval(String expression) throws Exception {
    JsonNode answer =
        call(
            "Runtime.evaluate",
            Map.of(
                "expression", expression,
                "awaitPromise", true,
                "returnByValue", true,
                "userGesture", true));
    assertThat(answer.has("exceptionDetails")).as("%s: %s", expression, answer).isFalse();
    return answer.at("/result/value");
  }

  /** The text of what a selector finds. */
  String text(String selector) throws Exception {
    return eval("document.querySelector('" + selector + "').textContent").asString();
  }

  /** Waits until an expression is true. */
  void until(String expression) throws Exception {
    long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(PATIENCE_SECONDS);
    while (!eval("Boolean(" + expression + ")").asBoolean()) {
      assertThat(System.nanoTime())
          .as(() -> "time to wait for " + expression + "; complaints: " + complaints)
          .isLessThan(end);
      LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(20));
    }
  }

  /** Clicks in the middle of what a selector finds, as a mouse does. */
  void click(String selector) throws Exception {
    JsonNode at =
        eval(
            """
            (() => {
              const found = document.querySelector('%s');
              found.scrollIntoView({ block: 'center' });
              const box = found.getBoundingClientRect();
              return [box.x + box.width / 2, box.y + box.height / 2];
            })()
            """
                .formatted(selector));
    for (String type : List.of("mousePressed", "mouseReleased")) {
      call(
          "Input.dispatchMouseEvent",
          Map.of(
              "type",
              type,
              "x",
              at.get(0).asDouble(),
              "y",
              at.get(1).asDouble(),
              "button",
              "left",
              "clickCount",
              1));
    }
  }

  /** Drops files on what a selector finds, as a file manager does. */
  void drop(String selector, Path... files) throws Exception {
    List<String> paths =
        List.of(files).stream().map(file -> file.toAbsolutePath().normalize().toString()).toList();
    JsonNode box =
        eval(
            "(() => { const box = document.querySelector('%s').getBoundingClientRect();"
                    .formatted(selector)
                + " return [box.x + 20, box.y + 20]; })()");
    for (String type : List.of("dragEnter", "dragOver", "drop")) {
      call(
          "Input.dispatchDragEvent",
          Map.of(
              "type", type,
              "x", box.get(0).asDouble(),
              "y", box.get(1).asDouble(),
              "data", Map.of("items", List.of(), "files", paths, "dragOperationsMask", 1)));
    }
  }

  /** Types text into what has the focus. */
  void type(String text) throws Exception {
    call("Input.insertText", Map.of("text", text));
  }

  /** Presses a key, such as Tab or Enter. */
  void press(String key) throws Exception {
    int code =
        switch (key) {
          case "Tab" -> 9;
          case "Enter" -> 13;
          case "Escape" -> 27;
          case "ArrowDown" -> 40;
          case "ArrowUp" -> 38;
          case " " -> 32;
          default -> throw new IllegalArgumentException("key: " + key);
        };
    String text =
        switch (key) {
          case "Enter" -> "\r";
          case " " -> " ";
          default -> "";
        };
    call(
        "Input.dispatchKeyEvent",
        Map.of("type", "keyDown", "key", key, "windowsVirtualKeyCode", code, "text", text));
    call(
        "Input.dispatchKeyEvent",
        Map.of("type", "keyUp", "key", key, "windowsVirtualKeyCode", code));
  }

  void close() throws Exception {
    call("Page.close", Map.of());
  }

  /** Writes what is to be seen as a PNG. */
  void screenshot(Path file) throws Exception {
    JsonNode answer = call("Page.captureScreenshot", Map.of("format", "png"));
    Files.write(file, Base64.getDecoder().decode(answer.get("data").asString()));
  }
}
