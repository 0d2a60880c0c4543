package dev.nereid.gateway;

import dev.nereid.client.ChannelRegistry.ChannelStatus;
import dev.nereid.client.UpstreamStatus;
import dev.nereid.http.HttpExchange;
import dev.nereid.http.ResponseHeaders;
import io.netty.buffer.Unpooled;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JsonGenerator;

/** Tells of the remote servers and the connections to them: JSON, or text for people. */
final class ConnectionsEndpoint {
  private static final ResponseHeaders TEXT =
      ResponseHeaders.of("content-type", "text/plain; charset=utf-8");

  private static final String ROW = "%-24s %-12s %5s %7s %7s %7s %9s %9s %9s  %s%n";

  private final Serving serving;

  ConnectionsEndpoint(Serving serving) {
    this.serving = serving;
  }

  void connections(HttpExchange exchange) {
    UpstreamStatus status = serving.upstreams();
    if (wantsText(exchange.header("accept"))) {
      byte[] text = text(status).getBytes(StandardCharsets.UTF_8);
      exchange.respond(200, TEXT, Unpooled.wrappedBuffer(text));
    } else {
      exchange.respond(
          200, GatewayErrors.headers(200), JsonReply.object(json -> write(json, status)));
    }
  }

  /** JSON unless text comes first in what the client accepts. */
  private static boolean wantsText(@Nullable String accept) {
    if (accept == null) {
      return false;
    }
    int text = accept.indexOf("text/");
    int json = accept.indexOf("json");
    return text >= 0 && (json < 0 || text < json);
  }

  private static void write(JsonGenerator json, @Nullable UpstreamStatus status) {
    json.writeStringProperty("mode", status == null ? "in-process" : "remote");
    if (status == null) {
      return;
    }
    json.writeArrayPropertyStart("targets");
    status.targets().forEach(target -> target(json, target));
    json.writeEndArray();
    json.writeArrayPropertyStart("channels");
    for (ChannelStatus channel : status.channels()) {
      json.writeStartObject();
      json.writeStringProperty("target", channel.endpoint().toString());
      json.writeStringProperty("lane", channel.lane().label());
      json.writeNumberProperty("index", channel.index());
      json.writeStringProperty("state", channel.state());
      json.writeNumberProperty("connections", channel.connections());
      json.writeEndObject();
    }
    json.writeEndArray();
    json.writeObjectPropertyStart("admission");
    json.writeNumberProperty("calls", status.admitted().calls());
    json.writeNumberProperty("bytes", status.admitted().bytes());
    json.writeNumberProperty("waiting", status.admitted().waiting());
    json.writeNumberProperty("refusals", status.admitted().refusals());
    json.writeEndObject();
    json.writeNumberProperty("retries", status.retries());
    json.writeNumberProperty("retry_refusals", status.retryRefusals());
    json.writeNumberProperty("hedges", status.hedges());
  }

  private static void target(JsonGenerator json, UpstreamStatus.Target target) {
    json.writeStartObject();
    json.writeStringProperty("target", target.endpoint().toString());
    json.writeStringProperty("state", target.state().name());
    json.writeStringProperty("reason", target.reason());
    json.writeNumberProperty("connections", target.connections());
    json.writeNumberProperty("active_streams", target.activeStreams());
    json.writeNumberProperty("waiting_streams", target.waitingStreams());
    json.writeNumberProperty("queue_depth", Math.round(target.queueDepth() * 100) / 100.0);
    json.writeObjectPropertyStart("batch_sizes");
    target.batches().forEach((size, count) -> json.writeNumberProperty(size.toString(), count));
    json.writeEndObject();
    UpstreamStatus.Calls calls = target.calls();
    json.writeNumberProperty("answered", calls.answered());
    json.writeNumberProperty("failed", calls.failed());
    json.writeNumberProperty("requests_per_second", calls.perSecond());
    json.writeNumberProperty("p50_ms", JsonReply.millis(calls.p50Nanos()));
    json.writeNumberProperty("p99_ms", JsonReply.millis(calls.p99Nanos()));
    json.writeNumberProperty("refused", calls.refused());
    json.writeArrayPropertyStart("red_flags");
    target.flags().forEach(flag -> json.writeString(label(flag)));
    json.writeEndArray();
    json.writeObjectPropertyStart("breakers");
    target.breakers().forEach(each -> json.writeStringProperty(each.model(), each.state()));
    json.writeEndObject();
    json.writeArrayPropertyStart("models");
    target.models().forEach(json::writeString);
    json.writeEndArray();
    json.writeEndObject();
  }

  /** The name of a red flag in answers and metrics. */
  static String label(UpstreamStatus.RedFlag flag) {
    return flag.name().toLowerCase(Locale.ROOT);
  }

  private static String text(@Nullable UpstreamStatus status) {
    if (status == null) {
      return "The models run in this process; there are no connections to other servers.\n";
    }
    StringBuilder text = new StringBuilder(1024);
    text.append(
        ROW.formatted(
            "target",
            "state",
            "conns",
            "active",
            "waiting",
            "queue",
            "per s",
            "p50 ms",
            "p99 ms",
            "red flags"));
    status.targets().forEach(target -> text.append(row(target)));
    text.append('\n');
    status.targets().forEach(target -> details(text, target));
    text.append(
        "%d calls in flight (%d bytes), %d waiting, %d refused; %d retries, %d hedges%n"
            .formatted(
                status.admitted().calls(),
                status.admitted().bytes(),
                status.admitted().waiting(),
                status.admitted().refusals(),
                status.retries(),
                status.hedges()));
    return text.toString();
  }

  private static String row(UpstreamStatus.Target target) {
    UpstreamStatus.Calls calls = target.calls();
    return ROW.formatted(
        target.endpoint(),
        target.state(),
        target.connections(),
        target.activeStreams(),
        target.waitingStreams(),
        number(target.queueDepth()),
        number(calls.perSecond()),
        millis(calls.p50Nanos()),
        millis(calls.p99Nanos()),
        flags(target.flags()));
  }

  private static void details(StringBuilder text, UpstreamStatus.Target target) {
    text.append(target.endpoint()).append('\n');
    if (!target.reason().isEmpty()) {
      text.append("  because   ").append(target.reason()).append('\n');
    }
    text.append("  models    ").append(String.join(", ", target.models())).append('\n');
    text.append("  batches   ").append(target.batches()).append('\n');
    for (UpstreamStatus.Breaker breaker : target.breakers()) {
      text.append("  breaker   %s %s%n".formatted(breaker.model(), breaker.state()));
    }
    text.append('\n');
  }

  private static String flags(List<UpstreamStatus.RedFlag> flags) {
    return flags.isEmpty()
        ? "-"
        : String.join(", ", flags.stream().map(ConnectionsEndpoint::label).toList());
  }

  private static String number(double value) {
    return String.format(Locale.ROOT, "%.1f", value);
  }

  private static String millis(long nanos) {
    return number(nanos / (double) TimeUnit.MILLISECONDS.toNanos(1));
  }
}
