package dev.nereid.app;

import java.io.IOException;
import java.io.PrintWriter;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.locks.LockSupport;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.json.JsonMapper;

/**
 * Asks a running server to load a model, or waits until it takes it up by itself, and says how to
 * reach it or what is left to do.
 */
record LoadRequest(String url) {
  private static final Duration CONNECT_LIMIT = Duration.ofSeconds(2);
  private static final Duration LIMIT = Duration.ofMinutes(11);

  /** Loading takes this long at most once a server has noticed a model; longer is told. */
  private static final Duration LOAD_PATIENCE = Duration.ofSeconds(20);

  private static final Duration PAUSE = Duration.ofMillis(200);
  private static final int UNAVAILABLE = 503;
  private static final Pattern POLLS = Pattern.compile("looks at its repositories every (\\d+) s");
  private static final JsonMapper JSON = new JsonMapper();

  /** A server's answer; status 0 when there is none. */
  private record Answer(int status, String error) {}

  /**
   * Sends it.
   *
   * @param pictures whether the model takes pictures
   * @return false when a server is there that should serve the model and does not
   */
  boolean send(String model, Path repository, boolean pictures, PrintWriter out) {
    boolean sound;
    try (HttpClient client = HttpClient.newBuilder().connectTimeout(CONNECT_LIMIT).build()) {
      sound = load(client, model, repository, out);
    }
    if (pictures) {
      out.println("Then: curl -F image=@PICTURE.jpg http://localhost:9600/predict/" + model);
    } else {
      out.println("Then: curl " + url + "/v2/models/" + model);
    }
    return sound;
  }

  private boolean load(HttpClient client, String model, Path repository, PrintWriter out) {
    String start = "nereid serve --model-repository " + repository;
    Answer answer =
        ask(
            client,
            request("/v2/repository/models/" + model + "/load")
                .POST(HttpRequest.BodyPublishers.noBody()));
    Matcher polls = POLLS.matcher(answer.error);
    if (answer.status == UNAVAILABLE && polls.find()) {
      out.println("The server at " + url + " looks for models every " + polls.group(1) + " s ...");
      out.flush();
      answer = awaitReady(client, model, Duration.ofSeconds(2 * Long.parseLong(polls.group(1))));
    } else if (answer.status == UNAVAILABLE) {
      out.printf(
          "The server at %s loads models only when it starts. Restart it, so that it also%n", url);
      out.printf("takes models later: %s --model-control-mode=poll%n", start);
      return true;
    }
    switch (answer.status) {
      case 200 -> out.println("The server at " + url + " serves it now.");
      case 0 -> out.println("No server answers at " + url + "; start one: " + start);
      default -> out.println("The server at " + url + " did not load it: " + answer.error);
    }
    return answer.status == 200 || answer.status == 0;
  }

  /** Waits until a server that looks for models itself has found this one and loaded it. */
  private Answer awaitReady(HttpClient client, String model, Duration notice) {
    long end = System.nanoTime() + notice.plus(LOAD_PATIENCE).toNanos();
    Answer answer = ask(client, request("/v2/models/" + model + "/ready"));
    while (answer.status != 200 && answer.status != 0 && System.nanoTime() < end) {
      LockSupport.parkNanos(PAUSE.toNanos());
      answer = ask(client, request("/v2/models/" + model + "/ready"));
    }
    return answer;
  }

  private HttpRequest.Builder request(String path) {
    try {
      return HttpRequest.newBuilder(URI.create(url + path)).timeout(LIMIT);
    } catch (IllegalArgumentException e) {
      throw new Mishap("--url: " + url + " (expected: http://HOST:PORT)");
    }
  }

  private static Answer ask(HttpClient client, HttpRequest.Builder request) {
    try {
      HttpResponse<String> response =
          client.send(request.build(), HttpResponse.BodyHandlers.ofString());
      return new Answer(response.statusCode(), error(response.body()));
    } catch (IOException e) {
      return new Answer(0, ""); // nobody there is an answer
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return new Answer(0, "");
    }
  }

  private static String error(String body) {
    try {
      return body.isEmpty() ? "" : JSON.readTree(body).path("error").asString(body);
    } catch (JacksonException e) {
      return body;
    }
  }
}
