package dev.nereid.gateway;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.File;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.WebSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * A headless Chromium in a process of its own, told what to do over its DevTools protocol. It can
 * reach this machine alone.
 */
final class Chromium implements AutoCloseable {
  static final JsonMapper JSON = new JsonMapper();
  private static final String PROGRAM = "chromium";
  private static final long PATIENCE_SECONDS = 60;

  private final Process process;
  private final HttpClient http = HttpClient.newHttpClient();
  private final WebSocket socket;
  private final AtomicInteger ids = new AtomicInteger();
  private final Map<Integer, CompletableFuture<JsonNode>> calls = new ConcurrentHashMap<>();
  private final Map<String, BrowserTab> tabs = new ConcurrentHashMap<>();

  /** Starts, or skips the test where there is no {@code chromium}. */
  Chromium(Path profile) throws Exception {
    assumeTrue(isInstalled(), "no chromium on the PATH: install Debian's chromium");
    process =
        new ProcessBuilder(command(profile))
            .redirectErrorStream(true)
            .redirectOutput(ProcessBuilder.Redirect.DISCARD)
            .start();
    List<String> address = address(profile.resolve("DevToolsActivePort"));
    URI uri = URI.create("ws://127.0.0.1:" + address.get(0) + address.get(1));
    socket =
        http.newWebSocketBuilder()
            .buildAsync(uri, new Messages())
            .get(PATIENCE_SECONDS, TimeUnit.SECONDS);
  }

  private static boolean isInstalled() {
    return Arrays.stream(System.getenv().getOrDefault("PATH", "").split(File.pathSeparator, -1))
        .anyMatch(folder -> Files.isExecutable(Path.of(folder, PROGRAM)));
  }

  private static List<String> command(Path profile) {
    return List.of(
        PROGRAM,
        "--headless=new",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-dev-shm-usage",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-default-apps",
        "--disable-extensions",
        "--disable-sync",
        "--no-first-run",
        "--hide-scrollbars",
        "--force-color-profile=srgb",
        "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1",
        "--remote-debugging-port=0",
        "--user-data-dir=" + profile,
        "about:blank");
  }

  /** The port and the path that the browser writes down once it listens. */
  private List<String> address(Path file) throws IOException {
    long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(PATIENCE_SECONDS);
    while (true) {
      List<String> lines = Files.exists(file) ? Files.readAllLines(file) : List.of();
      if (lines.size() == 2) {
        return lines;
      }
      assertThat(process.isAlive()).as("chromium lives").isTrue();
      assertThat(System.nanoTime()).as("time to wait for chromium").isLessThan(end);
      LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(10));
    }
  }

  /** An empty tab of that size, in pixels of the page. */
  BrowserTab tab(int width, int height, boolean dark) throws Exception {
    String target =
        call("", "Target.createTarget", Map.of("url", "about:blank")).get("targetId").asString();
    String session =
        call("", "Target.attachToTarget", Map.of("targetId", target, "flatten", true))
            .get("sessionId")
            .asString();
    BrowserTab tab = new BrowserTab(this, session);
    tabs.put(session, tab);
    tab.start(width, height, dark);
    return tab;
  }

  /** Asks, and waits for the answer. */
  JsonNode call(String session, String method, Map<String, ?> parameters) throws Exception {
    int id = ids.incrementAndGet();
    CompletableFuture<JsonNode> answer = new CompletableFuture<>();
    calls.put(id, answer);
    Map<String, Object> message = new java.util.TreeMap<>();
    message.put("id", id);
    message.put("method", method);
    message.put("params", parameters);
    if (!session.isEmpty()) {
      message.put("sessionId", session);
    }
    var _ =
        socket
            .sendText(JSON.writeValueAsString(message), true)
            .get(PATIENCE_SECONDS, TimeUnit.SECONDS);
    JsonNode told = answer.get(PATIENCE_SECONDS, TimeUnit.SECONDS);
    assertThat(told.has("error")).as("%s %s: %s", method, parameters, told.get("error")).isFalse();
    return told.get("result");
  }

  private void received(String text) {
    JsonNode message = JSON.readTree(text);
    if (message.has("id")) {
      CompletableFuture<JsonNode> call = calls.remove(message.get("id").asInt());
      if (call != null) {
        call.complete(message);
      }
    } else {
      BrowserTab tab = tabs.get(message.path("sessionId").asString(""));
      if (tab != null) {
        tab.event(message.get("method").asString(), message.get("params"));
      }
    }
  }

  private final class Messages implements WebSocket.Listener {
    private final StringBuilder text = new StringBuilder();

    @Override
    public @Nullable CompletionStage<?> onText(WebSocket from, CharSequence part, boolean last) {
      text.append(part);
      if (last) {
        String whole = text.toString();
        text.setLength(0);
        received(whole);
      }
      from.request(1);
      return null;
    }
  }

  @Override
  public void close() {
    List<ProcessHandle> children = new ArrayList<>(process.descendants().toList());
    socket.abort();
    http.shutdownNow();
    var _ = process.destroyForcibly().onExit().join();
    children.forEach(ProcessHandle::destroyForcibly);
    children.forEach(child -> child.onExit().join());
  }
}
