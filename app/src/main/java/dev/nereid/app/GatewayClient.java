package dev.nereid.app;

import java.io.IOException;
import java.net.ConnectException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpTimeoutException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** Asks an image gateway over its REST API. Used by one thread; its methods block. */
final class GatewayClient implements AutoCloseable {
  private static final Duration CONNECT_LIMIT = Duration.ofSeconds(3);
  private static final Duration LIMIT = Duration.ofSeconds(60);
  private static final JsonMapper JSON = new JsonMapper();

  private final String url;
  private final HttpClient http = HttpClient.newBuilder().connectTimeout(CONNECT_LIMIT).build();

  GatewayClient(String url) {
    this.url = url.replaceAll("/+$", "");
  }

  /** What a model says of a picture. */
  JsonNode predict(String model, Path picture) throws IOException, InterruptedException {
    return send(
        request("/predict/" + model)
            .header("content-type", "application/octet-stream")
            .POST(BodyPublishers.ofFile(picture)));
  }

  /** The labels that a model knows; empty when it has none. */
  List<String> labels(String model) throws IOException, InterruptedException {
    for (JsonNode known : send(request("/models").GET()).path("models")) {
      if (known.path("name").asString("").equals(model)) {
        return known.path("labels").valueStream().map(label -> label.asString("")).toList();
      }
    }
    return List.of();
  }

  private HttpRequest.Builder request(String path) {
    try {
      return HttpRequest.newBuilder(URI.create(url + path)).timeout(LIMIT);
    } catch (IllegalArgumentException e) {
      throw new Mishap("--url: " + url + " (expected: http://HOST:PORT)");
    }
  }

  private JsonNode send(HttpRequest.Builder request) throws IOException, InterruptedException {
    HttpResponse<String> response;
    try {
      response = http.send(request.build(), HttpResponse.BodyHandlers.ofString());
    } catch (ConnectException | HttpTimeoutException e) {
      throw new Mishap(
          "no image gateway answers at %s (expected: one started with nereid serve, or another --url)"
              .formatted(url));
    } catch (IOException e) {
      throw new Mishap(
          "%s broke the connection off: %s (expected: an image gateway)"
              .formatted(url, e.getMessage()));
    }
    JsonNode body;
    try {
      body = JSON.readTree(response.body());
    } catch (JacksonException e) {
      throw new Mishap(
          "%s answered %d with something that is no JSON (expected: an image gateway)"
              .formatted(url, response.statusCode()));
    }
    if (response.statusCode() != 200) {
      String detail = body.path("detail").asString(response.body());
      throw new Mishap("the server answered " + response.statusCode() + ": " + detail);
    }
    return body;
  }

  @Override
  public void close() {
    http.close();
  }
}
