package dev.nereid.server;

import dev.nereid.http.HttpExchange;
import dev.nereid.http.Router.Route;
import dev.nereid.protocol.JsonBodies;
import dev.nereid.protocol.JsonFlags;
import dev.nereid.protocol.proto.LogSettingsRequest;
import dev.nereid.protocol.proto.LogSettingsResponse;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** The logging extension over both protocols. Thread-safe. */
final class Logging {
  private static final String PATH = "/v2/logging";

  private final LogControl control;

  Logging(LogControl control) {
    this.control = control;
  }

  /** Its endpoints over HTTP. */
  List<Route> routes() {
    return List.of(
        Route.get(
            PATH,
            (exchange, _) -> Control.run(exchange, () -> answer(exchange, control.settings()))),
        Route.post(PATH, (exchange, _) -> Control.run(exchange, () -> change(exchange))));
  }

  private void change(HttpExchange exchange) {
    Map<String, Object> changes = JsonFlags.scalars(exchange.body());
    answer(exchange, control.update(settings -> settings.with(changes)));
  }

  private static void answer(HttpExchange exchange, LogSettings settings) {
    HttpAnswers.json(exchange, JsonBodies.object(settings.members()));
  }

  /** Its call over gRPC, which changes nothing when it lists nothing. */
  LogSettingsResponse call(LogSettingsRequest request) {
    Map<String, Object> changes = new HashMap<>();
    request
        .getSettingsMap()
        .forEach(
            (name, value) -> {
              switch (value.getParameterChoiceCase()) {
                case BOOL_PARAM -> changes.put(name, value.getBoolParam());
                case UINT32_PARAM ->
                    changes.put(name, Integer.toUnsignedLong(value.getUint32Param()));
                case STRING_PARAM -> changes.put(name, value.getStringParam());
                case PARAMETERCHOICE_NOT_SET -> {
                  // as if it were not listed
                }
              }
            });
    LogSettings settings =
        changes.isEmpty() ? control.settings() : control.update(known -> known.with(changes));
    LogSettingsResponse.Builder response = LogSettingsResponse.newBuilder();
    settings.members().forEach((name, value) -> response.putSettings(name, value(value)));
    return response.build();
  }

  private static LogSettingsResponse.SettingValue value(Object value) {
    LogSettingsResponse.SettingValue.Builder setting =
        LogSettingsResponse.SettingValue.newBuilder();
    switch (value) {
      case Boolean flag -> setting.setBoolParam(flag);
      case Long number -> setting.setUint32Param(number.intValue());
      default -> setting.setStringParam(value.toString());
    }
    return setting.build();
  }
}
