package dev.nereid.gateway;

import dev.nereid.core.Failure;
import java.util.List;
import tools.jackson.core.JsonGenerator;

/** Writes the answer to a request with several pictures: one result for each, at its index. */
final class BatchRendering {
  private final Rendering rendering;
  private final List<Outcome> outcomes;
  private final List<Outcome.Failed> failed;

  BatchRendering(Rendering rendering, List<Outcome> outcomes) {
    this.rendering = rendering;
    this.outcomes = outcomes;
    this.failed =
        outcomes.stream()
            .filter(Outcome.Failed.class::isInstance)
            .map(Outcome.Failed.class::cast)
            .toList();
  }

  /** 200 when one picture at least was answered; else the status of the first failure. */
  int status() {
    return failed.size() < outcomes.size()
        ? 200
        : GatewayErrors.status(failed.getFirst().failure().fault());
  }

  /** The members of the answer. */
  void write(JsonGenerator json) {
    int processed = outcomes.size() - failed.size();
    json.writeNumberProperty("total_images", outcomes.size());
    json.writeNumberProperty("processed_images", processed);
    json.writeNumberProperty("failed_images", failed.size());
    json.writeArrayPropertyStart("results");
    for (Outcome outcome : outcomes) {
      json.writeStartObject();
      place(json, outcome.item());
      switch (outcome) {
        case Outcome.Answered answered -> {
          rendering.result(json, answered.item(), answered.response());
          json.writeNullProperty("error");
        }
        case Outcome.Failed failure -> {
          json.writeStringProperty("status", "error");
          error(json, failure.failure());
        }
      }
      json.writeEndObject();
    }
    json.writeEndArray();
    failures(json);
    json.writeStringProperty("status", processed > 0 ? "success" : "all_failed");
    if (processed == 0) {
      Failure first = failed.getFirst().failure();
      json.writeStringProperty("detail", first.message());
    }
    rendering.about(json);
  }

  private void failures(JsonGenerator json) {
    if (failed.isEmpty()) {
      json.writeNullProperty("failures");
      return;
    }
    json.writeArrayPropertyStart("failures");
    for (Outcome.Failed failure : failed) {
      json.writeStartObject();
      json.writeStringProperty("filename", failure.item().fileName());
      json.writeNumberProperty("index", failure.item().index());
      error(json, failure.failure());
      json.writeEndObject();
    }
    json.writeEndArray();
  }

  private static void place(JsonGenerator json, Item item) {
    json.writeStringProperty("filename", item.fileName());
    json.writeNumberProperty("image_index", item.index());
  }

  private static void error(JsonGenerator json, Failure failure) {
    json.writeStringProperty("error", failure.message());
    json.writeStringProperty("code", GatewayErrors.code(failure.fault()));
  }
}
