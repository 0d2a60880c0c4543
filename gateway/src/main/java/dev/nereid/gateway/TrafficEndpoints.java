package dev.nereid.gateway;

import dev.nereid.core.Fault;
import dev.nereid.core.FaultException;
import dev.nereid.http.HttpExchange;
import java.util.Map;
import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import tools.jackson.core.JsonGenerator;

/** Shows and changes where the requests for each model go. */
final class TrafficEndpoints {
  private static final Logger LOG = LoggerFactory.getLogger(TrafficEndpoints.class);
  private static final int LONGEST_PLAN = 64 << 10;

  private final Traffic traffic;

  TrafficEndpoints(Traffic traffic) {
    this.traffic = traffic;
  }

  /** Every plan. */
  void all(HttpExchange exchange) {
    Map<String, Traffic.Live> plans = traffic.plans();
    respond(
        exchange,
        json -> {
          json.writeArrayPropertyStart("models");
          plans.values().forEach(live -> object(json, live));
          json.writeEndArray();
        });
  }

  /** One model's plan. */
  void one(HttpExchange exchange, String model) {
    attempt(exchange, model, () -> {});
  }

  /** Puts a plan in force. */
  void put(HttpExchange exchange, String model) {
    attempt(
        exchange,
        model,
        () -> {
          if (exchange.bodyLength() > LONGEST_PLAN) {
            throw FaultException.of(
                Fault.TOO_LARGE, "plan (expected: at most " + LONGEST_PLAN + " bytes)");
          }
          byte[] text = new byte[exchange.bodyLength()];
          exchange.body().get(text);
          traffic.put(Traffic.read(model, JsonTree.read(text)));
          LOG.info("traffic of '{}': a new plan is in force", model);
        });
  }

  /** Sends everything to one arm. */
  void promote(HttpExchange exchange, String model) {
    attempt(
        exchange,
        model,
        () -> {
          traffic.promote(model, exchange.queryParameter("arm"));
          LOG.info("traffic of '{}': an arm was promoted", model);
        });
  }

  /** Puts the plan before back. */
  void rollBack(HttpExchange exchange, String model) {
    attempt(
        exchange,
        model,
        () -> {
          traffic.rollBack(model);
          LOG.info("traffic of '{}': the plan before is in force again", model);
        });
  }

  /** Lets requests go where they go without a plan. */
  void remove(HttpExchange exchange, String model) {
    try {
      traffic.remove(model);
      LOG.info("traffic of '{}': no plan is in force", model);
      respond(exchange, json -> json.writeStringProperty("status", "removed"));
    } catch (FaultException e) {
      GatewayErrors.respond(exchange, e.failure());
    }
  }

  /** Does it, and shows what is in force then. */
  private void attempt(HttpExchange exchange, String model, Runnable work) {
    Traffic.Live live;
    try {
      work.run();
      live = traffic.find(model);
      if (live == null) {
        throw FaultException.of(Fault.NOT_FOUND, "traffic: no plan for '" + model + "'");
      }
    } catch (FaultException e) {
      GatewayErrors.respond(exchange, e.failure());
      return;
    }
    respond(exchange, json -> members(json, live));
  }

  private static void respond(HttpExchange exchange, Consumer<JsonGenerator> content) {
    exchange.respond(200, GatewayErrors.headers(200), JsonReply.object(content));
  }

  private static void object(JsonGenerator json, Traffic.Live live) {
    json.writeStartObject();
    members(json, live);
    json.writeEndObject();
  }

  private static void members(JsonGenerator json, Traffic.Live live) {
    TrafficPlan plan = live.plan();
    json.writeStringProperty("model", plan.model());
    json.writeStringProperty("sticky", sticky(plan.sticky()));
    double sum = plan.arms().stream().mapToDouble(TrafficArm::weight).sum();
    json.writeArrayPropertyStart("arms");
    for (TrafficArm arm : plan.arms()) {
      json.writeStartObject();
      arm(json, arm);
      json.writeNumberProperty("weight", arm.weight());
      json.writeNumberProperty("share", round(arm.weight() / sum));
      Traffic.ArmCounts counts = live.counts(arm);
      long requests = counts.requests.sum();
      json.writeNumberProperty("requests", requests);
      json.writeNumberProperty("failures", counts.failures.sum());
      json.writeNumberProperty(
          "mean_ms", requests == 0 ? 0 : JsonReply.millis(counts.nanos.sum() / requests));
      json.writeEndObject();
    }
    json.writeEndArray();
    if (plan.shadow() == null) {
      json.writeNullProperty("shadow");
    } else {
      json.writeObjectPropertyStart("shadow");
      arm(json, plan.shadow().arm());
      shadow(json, plan.shadow(), live.shadow().totals());
      json.writeEndObject();
    }
    json.writeBooleanProperty("can_roll_back", live.previous() != null);
  }

  private static void arm(JsonGenerator json, TrafficArm arm) {
    json.writeStringProperty("name", arm.name());
    json.writeStringProperty("model", arm.model());
    if (arm.version() > 0) {
      json.writeNumberProperty("version", arm.version());
    }
    if (arm.upstream() != null) {
      json.writeStringProperty("upstream", arm.upstream().toString());
    }
  }

  private static void shadow(
      JsonGenerator json, TrafficPlan.Shadow plan, ShadowCounts.Totals totals) {
    json.writeNumberProperty("sample", plan.sample());
    json.writeNumberProperty("iou", plan.overlap());
    json.writeNumberProperty("cosine", plan.cosine());
    json.writeNumberProperty("compared", totals.compared());
    json.writeNumberProperty("different", totals.different());
    json.writeNumberProperty("difference_ratio", round(totals.differenceRatio()));
    json.writeNumberProperty("failed", totals.failed());
    json.writeNumberProperty("skipped", totals.skipped());
    json.writeNumberProperty("matched", totals.matched());
    json.writeNumberProperty("missing", totals.missing());
    json.writeNumberProperty("extra", totals.extra());
    json.writeNumberProperty("mean_iou", round(totals.meanOverlap()));
    json.writeNumberProperty("label_agreement", round(totals.agreement()));
    json.writeNumberProperty("mean_score_difference", round(totals.meanScoreDifference()));
    json.writeNumberProperty("mean_cosine", round(totals.meanCosine()));
    json.writeNumberProperty("lowest_cosine", round(totals.lowestCosine()));
    json.writeArrayPropertyStart("last_differences");
    for (ShadowCounts.Example example : totals.examples()) {
      Difference difference = example.difference();
      json.writeStartObject();
      json.writeStringProperty("request_id", example.requestId());
      json.writeNumberProperty("matched", difference.matched());
      json.writeNumberProperty("missing", difference.missing());
      json.writeNumberProperty("extra", difference.extra());
      json.writeNumberProperty("agreed", difference.agreed());
      json.writeNumberProperty("cosine", round(difference.cosine()));
      json.writeEndObject();
    }
    json.writeEndArray();
  }

  private static String sticky(TrafficPlan.Sticky sticky) {
    return switch (sticky.kind()) {
      case NOTHING -> "none";
      case HEADER -> "header:" + sticky.header();
      case CLIENT -> "client";
      case PICTURE -> "picture";
    };
  }

  private static double round(double value) {
    return Math.round(value * 1e6) / 1e6;
  }
}
