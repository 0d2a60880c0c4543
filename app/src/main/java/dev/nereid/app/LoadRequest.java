package dev.nereid.app;

import java.io.IOException;
import java.io.PrintWriter;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Path;
import java.time.Duration;

/** Asks a running server to load a model, and says how to reach it or what is left to do. */
record LoadRequest(String url) {
  private static final Duration CONNECT_LIMIT = Duration.ofSeconds(2);
  private static final Duration LIMIT = Duration.ofSeconds(60);
  private static final int UNSUPPORTED = 501;

  /**
   * Sends it.
   *
   * @param pictures whether the model takes pictures
   */
  void send(String model, Path repository, boolean pictures, PrintWriter out) {
    String start = "nereid serve --model-repository " + repository;
    switch (status(model)) {
      case 200 -> out.println("The server at " + url + " serves it now.");
      case 0 -> out.println("No server answers at " + url + "; start one: " + start);
      case UNSUPPORTED ->
          out.println(
              "The server at " + url + " loads models when it starts; restart it: " + start);
      default ->
          out.println("The server at " + url + " did not load it; see its log, or: " + start);
    }
    if (pictures) {
      out.println("Then: curl -F image=@PICTURE.jpg http://localhost:9600/predict/" + model);
    } else {
      out.println("Then: curl " + url + "/v2/models/" + model);
    }
  }

  /** The answer's status; 0 for none. */
  private int status(String model) {
    try (HttpClient client = HttpClient.newBuilder().connectTimeout(CONNECT_LIMIT).build()) {
      HttpRequest request =
          HttpRequest.newBuilder(URI.create(url + "/v2/repository/models/" + model + "/load"))
              .timeout(LIMIT)
              .POST(HttpRequest.BodyPublishers.noBody())
              .build();
      return client.send(request, HttpResponse.BodyHandlers.discarding()).statusCode();
    } catch (IllegalArgumentException e) {
      throw new Mishap("--url: " + url + " (expected: http://HOST:PORT)");
    } catch (IOException e) {
      return 0; // nobody there is an answer
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return 0;
    }
  }
}
