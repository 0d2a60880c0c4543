package dev.nereid.gateway;

import dev.nereid.core.Fault;
import dev.nereid.core.FaultException;
import dev.nereid.engine.IndexEntry;
import dev.nereid.http.HttpExchange;
import java.util.List;
import java.util.concurrent.Executor;
import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import tools.jackson.core.JsonGenerator;

/** Tells which models there are, loaded or not, and loads and unloads them for administrators. */
final class ModelEndpoints {
  private static final Logger LOG = LoggerFactory.getLogger(ModelEndpoints.class);

  private final Serving serving;
  private final Executor slow;

  /**
   * The endpoints over what runs the models.
   *
   * @param slow where loads are waited for
   */
  ModelEndpoints(Serving serving, Executor slow) {
    this.serving = serving;
    this.slow = slow;
  }

  /** Every version of every model that is known. */
  void index(HttpExchange exchange) {
    slow.execute(() -> attempt(exchange, () -> {}, this::index));
  }

  private void index(JsonGenerator json) {
    List<IndexEntry> index = serving.index();
    json.writeBooleanProperty("on_request", serving.loadsOnRequest());
    json.writeBooleanProperty("remote", serving.upstreams() != null);
    json.writeArrayPropertyStart("models");
    for (IndexEntry entry : index) {
      json.writeStartObject();
      json.writeStringProperty("name", entry.model());
      if (entry.version() > 0) {
        json.writeNumberProperty("version", entry.version());
      }
      json.writeStringProperty("state", entry.state().name());
      json.writeStringProperty("reason", entry.reason());
      json.writeStringProperty("summary", entry.summary());
      json.writeEndObject();
    }
    json.writeEndArray();
  }

  /** Loads a model, or loads it anew, and answers when it is ready. */
  void load(HttpExchange exchange, String model) {
    change(exchange, model, "loaded", () -> serving.load(model));
  }

  /** Takes a model out of service; with {@code ?dependents=true} its steps too. */
  void unload(HttpExchange exchange, String model) {
    boolean dependents = "true".equals(exchange.queryParameter("dependents"));
    change(exchange, model, "unloaded", () -> serving.unload(model, dependents));
  }

  private void change(HttpExchange exchange, String model, String what, Runnable work) {
    String who = exchange.caller().name();
    Runnable logged =
        () -> {
          work.run();
          LOG.info("model '{}': {} as {} asked", model, what, who.isEmpty() ? "a client" : who);
        };
    slow.execute(
        () ->
            attempt(
                exchange,
                logged,
                json -> {
                  json.writeStringProperty("model", model);
                  json.writeStringProperty("status", what);
                }));
  }

  @SuppressWarnings("CatchingUnchecked") // whatever happens, the client is told something
  private static void attempt(
      HttpExchange exchange, Runnable work, Consumer<JsonGenerator> content) {
    try {
      work.run();
      exchange.respond(200, GatewayErrors.headers(200), JsonReply.object(content));
    } catch (FaultException e) {
      GatewayErrors.respond(exchange, e.failure());
    } catch (RuntimeException e) {
      LOG.error("{} {} failed", exchange.method(), exchange.path(), e);
      GatewayErrors.respond(exchange, Fault.INTERNAL.with("the server failed on this request"));
    }
  }
}
