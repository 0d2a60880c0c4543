package dev.nereid.gateway;

import dev.nereid.core.InferResponse;
import dev.nereid.image.ImageHeader;
import java.nio.ByteBuffer;
import tools.jackson.core.JsonGenerator;

/** Writes answers of models as members of a JSON object. */
final class Rendering {
  private final ImageModel model;
  private final int maxDetections;

  Rendering(ImageModel model, int maxDetections) {
    this.model = model;
    this.maxDetections = maxDetections;
  }

  /** The members that tell the result for one picture. */
  void result(JsonGenerator json, Item.Picture picture, InferResponse response) {
    switch (model.task()) {
      case DETECT -> detections(json, picture.header(), response);
      case CLASSIFY -> predictions(json, response);
      case EMBED -> {
        json.writeName("embedding");
        double norm = embedding(json, response);
        json.writeNumberProperty("embedding_norm", norm);
        json.writeNumberProperty("dim", model.size());
      }
    }
    json.writeStringProperty("status", "success");
    image(json, picture.header());
  }

  /** The members that are the same for all pictures of a request. */
  void about(JsonGenerator json) {
    json.writeObjectPropertyStart("model");
    json.writeStringProperty("name", model.name());
    json.writeStringProperty("backend", "nereid");
    json.writeStringProperty("device", "cpu");
    json.writeEndObject();
    json.writeStringProperty("track", "D"); // pictures in, results out: all steps are the server's
    json.writeStringProperty("preprocessing", "cpu");
    if (model.task() == ImageModel.Task.DETECT) {
      json.writeStringProperty("nms_location", "cpu");
    }
  }

  /** The embedding as a list; tells its length as a vector. */
  double embedding(JsonGenerator json, InferResponse response) {
    ByteBuffer values = response.output("embedding").bytes();
    double squares = 0;
    json.writeStartArray();
    while (values.remaining() >= Float.BYTES) {
      float value = values.getFloat();
      squares += (double) value * value;
      json.writeNumber(value);
    }
    json.writeEndArray();
    return Math.round(Math.sqrt(squares) * 1e6) / 1e6;
  }

  private void detections(JsonGenerator json, ImageHeader header, InferResponse response) {
    ByteBuffer boxes = response.output("det_boxes").bytes();
    ByteBuffer scores = response.output("det_scores").bytes();
    ByteBuffer classes = response.output("det_classes").bytes();
    int count = Math.min(maxDetections, response.output("num_dets").bytes().getInt());
    json.writeArrayPropertyStart("detections");
    for (int i = 0; i < count; i++) {
      float[] box = new float[4];
      boxes.asFloatBuffer().get(4 * i, box);
      json.writeStartObject();
      normalised(json, box, header);
      json.writeNumberProperty("confidence", scores.getFloat(Float.BYTES * i));
      category(json, classes.getInt(Integer.BYTES * i));
      json.writeArrayPropertyStart("box");
      for (float edge : box) {
        json.writeNumber(edge);
      }
      json.writeEndArray();
      json.writeEndObject();
    }
    json.writeEndArray();
    json.writeNumberProperty("num_detections", count);
  }

  private static void normalised(JsonGenerator json, float[] box, ImageHeader header) {
    float width = header.uprightWidth();
    float height = header.uprightHeight();
    json.writeNumberProperty("x1", share(box[0], width));
    json.writeNumberProperty("y1", share(box[1], height));
    json.writeNumberProperty("x2", share(box[2], width));
    json.writeNumberProperty("y2", share(box[3], height));
  }

  private static float share(float edge, float side) {
    return Math.clamp(edge / side, 0f, 1f);
  }

  private void predictions(JsonGenerator json, InferResponse response) {
    ByteBuffer scores = response.output("top_scores").bytes();
    ByteBuffer classes = response.output("classes").bytes();
    json.writeArrayPropertyStart("predictions");
    while (scores.remaining() >= Float.BYTES) {
      json.writeStartObject();
      category(json, classes.getInt());
      json.writeNumberProperty("confidence", scores.getFloat());
      json.writeEndObject();
    }
    json.writeEndArray();
  }

  private void category(JsonGenerator json, int index) {
    json.writeNumberProperty("class", index);
    json.writeNumberProperty("class_id", index);
    json.writeStringProperty("label", model.label(index));
  }

  private static void image(JsonGenerator json, ImageHeader header) {
    json.writeObjectPropertyStart("image");
    json.writeNumberProperty("width", header.uprightWidth());
    json.writeNumberProperty("height", header.uprightHeight());
    json.writeEndObject();
  }
}
