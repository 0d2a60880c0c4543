package dev.nereid.server;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.nereid.protocol.proto.GRPCInferenceServiceGrpc;
import dev.nereid.protocol.proto.LogSettingsRequest;
import dev.nereid.protocol.proto.LogSettingsRequest.SettingValue;
import dev.nereid.protocol.proto.LogSettingsResponse;
import io.grpc.ManagedChannel;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.time.Duration;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The logging extension over both protocols. */
final class LoggingTest {
  private static final String USUAL =
      "{\"log_file\":\"\",\"log_info\":true,\"log_warning\":true,\"log_error\":true,"
          + "\"log_verbose_level\":0,\"log_format\":\"default\"}";

  @SuppressWarnings("NullAway.Init")
  private static RunningServer server;

  @SuppressWarnings("NullAway.Init")
  private static HttpClient client;

  @SuppressWarnings("NullAway.Init")
  private static ManagedChannel channel;

  @BeforeAll
  static void start() {
    server = new RunningServer();
    client = HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();
    channel = server.channel();
  }

  @AfterAll
  static void stop() {
    client.close();
    channel.shutdownNow();
    server.close();
  }

  private static HttpRequest.Builder request() {
    return HttpRequest.newBuilder(
        URI.create("http://127.0.0.1:" + server.http.port() + "/v2/logging"));
  }

  private static HttpResponse<String> post(String body) throws Exception {
    return client.send(
        request().POST(BodyPublishers.ofString(body)).build(), BodyHandlers.ofString());
  }

  private static LogSettingsResponse call(LogSettingsRequest request) {
    return GRPCInferenceServiceGrpc.newBlockingStub(channel)
        .withDeadlineAfter(Duration.ofSeconds(20))
        .logSettings(request);
  }

  private static LogSettingsRequest setting(String name, SettingValue.Builder value) {
    return LogSettingsRequest.newBuilder().putSettings(name, value.build()).build();
  }

  @Test
  void settingsAreToldAndChangedAlikeOverBothProtocols() throws Exception {
    var told = client.send(request().build(), BodyHandlers.ofString());
    assertThat(told.body()).isEqualTo(USUAL);
    assertThat(told.headers().firstValue("content-type")).contains("application/json");
    assertThat(post("").body()).isEqualTo(USUAL);
    String changed =
        "{\"log_file\":\"\",\"log_info\":false,\"log_warning\":true,\"log_error\":false,"
            + "\"log_verbose_level\":2,\"log_format\":\"ISO8601\"}";
    assertThat(
            post("{\"log_info\":false,\"log_error\":false,\"log_verbose_level\":2,\"log_format\":\"ISO8601\"}")
                .body())
        .isEqualTo(changed);
    LogSettingsResponse same = call(LogSettingsRequest.getDefaultInstance());
    assertThat(same.getSettingsMap()).hasSize(6);
    assertThat(same.getSettingsOrThrow("log_info").getBoolParam()).isFalse();
    assertThat(same.getSettingsOrThrow("log_verbose_level").getUint32Param()).isEqualTo(2);
    assertThat(same.getSettingsOrThrow("log_format").getStringParam()).isEqualTo("ISO8601");
    call(setting("log_info", SettingValue.newBuilder().setBoolParam(true)));
    call(setting("log_error", SettingValue.newBuilder().setBoolParam(true)));
    call(setting("log_verbose_level", SettingValue.newBuilder().setUint32Param(0)));
    call(setting("log_format", SettingValue.newBuilder().setStringParam("default")));
    assertThat(post("{}").body()).isEqualTo(USUAL);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '~',
      value = {
        "{\"log_file\":\"/etc/x\"}               | 501 | log file location can not be updated",
        "{\"log_info\":1}                        | 400 | log_info: 1 (expected: a boolean)",
        "{\"log_error\":null}                    | 400 | Invalid value for 'log_error'",
        "{\"log_verbose_level\":-1}              | 400 | log_verbose_level: -1 (expected: a whole",
        "{\"log_verbose_level\":\"2\"}           | 400 | log_verbose_level: 2 (expected: a whole",
        "{\"log_format\":\"xml\"}                | 400 | log_format: xml (expected: default, ISO8601",
        "{\"log_infos\":true}                    | 400 | log setting: log_infos (expected: log_file,",
        "{\"log_info\":false,\"log_warning\":3}  | 400 | log_warning: 3",
        "[]                                      | 400 | failed to parse the request JSON buffer"
      })
  void whatIsNoSettingChangesNothing(String body, int status, String fragment) throws Exception {
    var answer = post(body);
    assertThat(answer.statusCode()).isEqualTo(status);
    assertThat(answer.body()).contains(fragment);
    assertThat(server.log.settings())
        .isEqualTo(new LogSettings("", true, true, true, 0, "default"));
  }

  @Test
  void overGrpcTheStatusTells() {
    assertThatThrownBy(
            () -> call(setting("log_file", SettingValue.newBuilder().setStringParam("x"))))
        .isInstanceOfSatisfying(
            StatusRuntimeException.class,
            e -> assertThat(e.getStatus().getCode()).isEqualTo(Status.Code.UNIMPLEMENTED));
    assertThatThrownBy(
            () -> call(setting("log_format", SettingValue.newBuilder().setStringParam("x"))))
        .isInstanceOfSatisfying(
            StatusRuntimeException.class,
            e -> assertThat(e.getStatus().getCode()).isEqualTo(Status.Code.INVALID_ARGUMENT));
  }
}
