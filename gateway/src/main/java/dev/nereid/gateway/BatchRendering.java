package dev.nereid.gateway;

import dev.nereid.core.Failure;
import dev.nereid.core.InferResponse;
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
    counts(json, outcomes.size(), failed.size());
    json.writeArrayPropertyStart("results");
    for (Outcome outcome : outcomes) {
      json.writeStartObject();
      switch (outcome) {
        case Outcome.Answered answered ->
            answered(json, rendering, answered.item(), answered.response());
        case Outcome.Failed failure -> failed(json, failure.item(), failure.failure());
      }
      json.writeEndObject();
    }
    json.writeEndArray();
    failures(json);
    boolean any = failed.size() < outcomes.size();
    json.writeStringProperty("status", any ? "success" : "all_failed");
    if (!any) {
      Failure first = failed.getFirst().failure();
      json.writeStringProperty("detail", first.message());
    }
    rendering.about(json);
  }

  /** How many pictures there were, and what became of them. */
  static void counts(JsonGenerator json, int total, int failed) {
    json.writeNumberProperty("total_images", total);
    json.writeNumberProperty("processed_images", total - failed);
    json.writeNumberProperty("failed_images", failed);
  }

  /** The members of a picture's result. */
  static void answered(
      JsonGenerator json, Rendering rendering, Item.Picture picture, InferResponse response) {
    place(json, picture);
    rendering.result(json, picture, response);
    json.writeNullProperty("error");
  }

  /** The members that stand for a picture without a result. */
  static void failed(JsonGenerator json, Item item, Failure failure) {
    place(json, item);
    json.writeStringProperty("status", "error");
    error(json, failure);
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
