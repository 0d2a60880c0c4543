package dev.nereid.gateway;

import static org.assertj.core.api.Assertions.assertThat;

import dev.nereid.client.ChannelRegistry;
import dev.nereid.client.Endpoint;
import dev.nereid.client.EventLoops;
import dev.nereid.client.ScriptedServer;
import dev.nereid.client.UpstreamOptions;
import dev.nereid.client.Upstreams;
import dev.nereid.config.proto.DataType;
import dev.nereid.config.proto.ModelConfig;
import dev.nereid.core.MemoryPool;
import dev.nereid.core.Ticker;
import dev.nereid.engine.EngineOptions;
import io.grpc.Status;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** The console of a gateway in front of three servers: one serves, one fails, one is not there. */
@Timeout(180)
final class ConsoleUpstreamsTest {
  private static final String MODEL = "embed";
  private static final Endpoint NOBODY = new Endpoint("127.0.0.1", 1);

  private static final UpstreamOptions.Health PATIENT =
      new UpstreamOptions.Health(Duration.ofMillis(200), Duration.ofSeconds(30), 0);

  private static @TempDir Path profile;
  private static Chromium browser;

  private final EventLoops loops = EventLoops.of(1);
  private final ChannelRegistry channels = new ChannelRegistry(loops);
  private final MemoryPool memory = new MemoryPool(MemoryPool.Limits.DEFAULT);
  private final ScriptedServer serving = server();
  private final ScriptedServer failing = server();
  private final byte[] picture = RunningGateway.sample("tiny.jpg");
  private final Upstreams upstreams;
  private final RunningGateway running;

  ConsoleUpstreamsTest(@TempDir Path folder) throws Exception {
    failing.script = ScriptedServer.failing(Status.INTERNAL, null);
    upstreams =
        Upstreams.open(
            UpstreamOptions.of(serving.endpoint(), failing.endpoint(), NOBODY).with(PATIENT),
            channels,
            memory,
            Ticker.system());
    running =
        new RunningGateway(
            RunningGateway.options(),
            EngineOptions.of(Files.createDirectory(folder.resolve("models"))),
            engine -> Serving.of(engine, upstreams, ImageEnsembles.NONE, Map.of()));
  }

  @BeforeAll
  static void start() throws Exception {
    browser = new Chromium(profile);
  }

  @AfterAll
  static void end() {
    if (browser != null) {
      browser.close();
    }
  }

  private static ScriptedServer server() throws Exception {
    var config = ModelConfig.newBuilder().setMaxBatchSize(32);
    config.addInputBuilder().setName("image").setDataType(DataType.TYPE_STRING).addDims(1);
    config.addOutputBuilder().setName("embedding").setDataType(DataType.TYPE_FP32).addDims(2);
    ScriptedServer server = new ScriptedServer(MODEL);
    server.configs.put(MODEL, config.build());
    server.script = ScriptedServer.answering("embedding", 0.6f, 1);
    return server;
  }

  @AfterEach
  void stop() {
    running.close();
    upstreams.close();
    serving.close();
    failing.close();
    channels.close();
    loops.close();
    assertThat(memory.openLeases()).as("open leases of replies").isZero();
    memory.close();
  }

  private int embed() throws Exception {
    return running.post("/embed", "image/jpeg", picture).status();
  }

  /** The text of a cell in a server's row, for the page to say. */
  private static String cell(String table, Endpoint server, int column) {
    return """
        [...document.querySelectorAll('table[aria-label="%s"] tbody tr')]
          .map((row) => [...row.cells].map((cell) => cell.textContent))
          .find((cells) => cells[0] === '%s')?.[%d]
        """
        .formatted(table, server, column)
        .strip();
  }

  private BrowserTab watch(int width) throws Exception {
    BrowserTab tab = browser.tab(width, 900, false);
    tab.open(running.url() + "/#live");
    tab.until(cell("Remote servers", serving.endpoint(), 1) + " === 'LIVE'");
    tab.until(cell("Remote servers", failing.endpoint(), 1) + " === 'LIVE'");
    tab.until(cell("Remote servers", NOBODY, 1) + " === 'UNREACHABLE'");
    return tab;
  }

  @Test
  void serversChannelsAndBreakersAreDrawn() throws Exception {
    BrowserTab tab = watch(1280);
    assertThat(tab.text("#upstreams")).contains("No model was asked for yet");
    String why =
        tab.eval(
                "[...document.querySelectorAll('#upstreams .chip')]"
                    + ".find((each) => each.textContent === 'UNREACHABLE').parentElement.title")
            .asString();
    assertThat(why).contains("refused");
    for (int i = 0; i < 10; i++) {
      assertThat(embed()).isIn(200, 500); // five of them are the failing one's
    }
    tab.until(cell("Breakers", failing.endpoint(), 2) + " === 'open'");
    assertThat(embed()).as("what the failing one does not get").isEqualTo(200);
    assertThat(tab.eval(cell("Breakers", serving.endpoint(), 2)).asString()).isEqualTo("closed");
    assertThat(tab.text("[data-part=breakers] summary")).isEqualTo("2 breakers, 1 not closed");
    assertThat(tab.eval("document.querySelector('[data-part=breakers]').open").asBoolean())
        .as("a breaker that is not closed is seen at once")
        .isTrue();
    assertThat(tab.text("[data-part=channels] summary")).startsWith("3 channels");
    tab.until(cell("Channels", serving.endpoint(), 3) + " === 'READY'");
    assertThat(tab.eval(cell("Channels", serving.endpoint(), 1)).asString()).isEqualTo("normal");
    assertThat(tab.eval(cell("Channels", serving.endpoint(), 4)).asString()).isEqualTo("1");
    assertThat(tab.eval(cell("Channels", NOBODY, 4)).asString()).isEqualTo("0");
    for (String chart : List.of("Streams", "Remote queues")) {
      String canvas = "document.querySelector('canvas[aria-label^=\"" + chart + "\"]')";
      tab.until(canvas + "?.dataset.points > 1 && " + canvas + ".checkVisibility()");
      assertThat(tab.eval(canvas + ".ariaLabel").asString())
          .contains(serving.endpoint().toString(), failing.endpoint().toString());
    }
    assertThat(tab.complaints).isEmpty();
    tab.close();
  }

  @Test
  void aServerThatGoesAwayIsSeenOnAPhone() throws Exception {
    BrowserTab phone = watch(375);
    serving.close();
    phone.until(cell("Remote servers", serving.endpoint(), 1) + " === 'UNREACHABLE'");
    phone.until(
        "[...document.querySelectorAll('#upstreams .chip')]"
            + ".some((each) => each.textContent === 'connections refused')");
    assertThat(phone.eval("document.documentElement.scrollWidth - innerWidth").asInt())
        .as("wider than the phone")
        .isZero();
    assertThat(phone.complaints).isEmpty();
    phone.close();
  }
}
