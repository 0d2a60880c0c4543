package dev.nereid.http;

import dev.nereid.core.Phase;
import dev.nereid.core.Timings;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.HashMap;
import java.util.Map;

/** Writes access lines as text. Used by one thread. */
final class AccessFormat {
  private static final DateTimeFormatter SECOND =
      DateTimeFormatter.ofPattern("yyyy-MM-dd'T'HH:mm:ss").withZone(ZoneOffset.UTC);
  private static final Phase[] PHASES = Phase.values();
  private static final int REMEMBERED_CLIENTS = 4096;
  private static final int LONGEST_PATH = 512;
  private static final int LONGEST_ID = 128;

  private final boolean json;
  private final String listener;
  private final Map<SocketAddress, String> clients = new HashMap<>();
  private long second = -1;
  private String secondText = "";

  AccessFormat(boolean json, String listener) {
    this.json = json;
    this.listener = listener;
  }

  /** Appends one line with its end. */
  void append(StringBuilder out, AccessLine line) {
    if (json) {
      appendJson(out, line);
    } else {
      appendText(out, line);
    }
  }

  private void appendText(StringBuilder out, AccessLine line) {
    appendTime(out, line.millis());
    out.append(' ').append(listener).append(' ').append(client(line.client())).append(' ');
    JsonText.escape(line.method(), out);
    out.append(' ');
    JsonText.escape(cut(line.path(), LONGEST_PATH), out);
    out.append(' ').append(line.status()).append(' ').append(line.bytes()).append(' ');
    appendMillis(out, line.nanos());
    out.append("ms ");
    if (line.id().isEmpty()) {
      out.append('-');
    } else {
      JsonText.escape(cut(line.id(), LONGEST_ID), out);
    }
    if (!line.caller().isEmpty()) {
      out.append(" caller=").append(line.caller());
    }
    if (!line.trace().isEmpty()) {
      out.append(" trace=").append(line.trace());
    }
    appendPhases(out, line);
    out.append('\n');
  }

  /** Appends what the server's own log tells of a slow request. */
  void appendSlow(StringBuilder out, AccessLine line) {
    out.append(listener).append(": ");
    JsonText.escape(line.method(), out);
    out.append(' ');
    JsonText.escape(cut(line.path(), LONGEST_PATH), out);
    out.append(" took ").append(line.nanos() / 1_000_000).append(" ms, status ");
    out.append(line.status()).append(", ").append(line.bytesIn()).append(" bytes in, ");
    out.append(line.bytes()).append(" out");
    if (!line.id().isEmpty()) {
      out.append(", id ");
      JsonText.escape(cut(line.id(), LONGEST_ID), out);
    }
    if (!line.caller().isEmpty()) {
      out.append(", caller ").append(line.caller());
    }
    if (!line.trace().isEmpty()) {
      out.append(", trace ").append(line.trace());
    }
    out.append(line.timings().isKnown() ? "; ms:" : "");
    appendPhases(out, line);
  }

  private static void appendPhases(StringBuilder out, AccessLine line) {
    Timings timings = line.timings();
    if (!timings.isKnown()) {
      return;
    }
    for (Phase phase : PHASES) {
      long nanos = ServerTiming.nanos(timings, phase, line.encodeNanos());
      if (nanos > 0) {
        out.append(' ').append(phase.word()).append('=');
        appendMillis(out, nanos);
      }
    }
    for (int i = 0; i < timings.steps().size(); i++) {
      out.append(i == 0 ? " steps=" : ",");
      JsonText.escape(timings.steps().get(i).model(), out);
      out.append(':');
      appendMillis(out, timings.steps().get(i).nanos());
    }
  }

  private void appendJson(StringBuilder out, AccessLine line) {
    out.append("{\"time\":\"");
    appendTime(out, line.millis());
    out.append("\",\"listener\":\"").append(listener);
    out.append("\",\"client\":\"").append(client(line.client()));
    out.append("\",\"method\":\"");
    JsonText.escape(line.method(), out);
    out.append("\",\"path\":\"");
    JsonText.escape(cut(line.path(), LONGEST_PATH), out);
    out.append("\",\"status\":");
    boolean number = Character.isDigit(line.status().charAt(0));
    out.append(number ? "" : "\"").append(line.status()).append(number ? "" : "\"");
    out.append(",\"bytes_in\":").append(line.bytesIn());
    out.append(",\"bytes\":").append(line.bytes()).append(",\"ms\":");
    appendMillis(out, line.nanos());
    if (!line.id().isEmpty()) {
      out.append(",\"id\":\"");
      JsonText.escape(cut(line.id(), LONGEST_ID), out);
      out.append('"');
    }
    if (!line.caller().isEmpty()) {
      out.append(",\"caller\":\"").append(line.caller()).append('"');
    }
    if (!line.model().isEmpty()) {
      out.append(",\"model\":\"");
      JsonText.escape(cut(line.model(), LONGEST_ID), out);
      out.append('"');
      if (line.version() >= 0) {
        out.append(",\"version\":").append(line.version());
      }
    }
    if (!line.trace().isEmpty()) {
      out.append(",\"trace_id\":\"").append(line.trace()).append('"');
    }
    if (line.timings().isKnown()) {
      appendJsonPhases(out, line);
    }
    out.append("}\n");
  }

  private static void appendJsonPhases(StringBuilder out, AccessLine line) {
    Timings timings = line.timings();
    out.append(",\"phases\":{");
    boolean first = true;
    for (Phase phase : PHASES) {
      long nanos = ServerTiming.nanos(timings, phase, line.encodeNanos());
      if (nanos > 0) {
        out.append(first ? "\"" : ",\"").append(phase.word()).append("\":");
        appendMillis(out, nanos);
        first = false;
      }
    }
    out.append('}');
    if (timings.steps().isEmpty()) {
      return;
    }
    out.append(",\"steps\":{");
    for (int i = 0; i < timings.steps().size(); i++) {
      out.append(i == 0 ? "\"" : ",\"");
      JsonText.escape(timings.steps().get(i).model(), out);
      out.append("\":");
      appendMillis(out, timings.steps().get(i).nanos());
    }
    out.append('}');
  }

  private void appendTime(StringBuilder out, long millis) {
    long now = Math.floorDiv(millis, 1000L);
    if (now != second) {
      second = now;
      secondText = SECOND.format(Instant.ofEpochSecond(now));
    }
    out.append(secondText).append('.');
    appendThreeDigits(out, (int) Math.floorMod(millis, 1000L));
    out.append('Z');
  }

  private static void appendMillis(StringBuilder out, long nanos) {
    long micros = nanos / 1000;
    out.append(micros / 1000).append('.');
    appendThreeDigits(out, (int) (micros % 1000));
  }

  private static void appendThreeDigits(StringBuilder out, int value) {
    out.append((char) ('0' + value / 100))
        .append((char) ('0' + value / 10 % 10))
        .append((char) ('0' + value % 10));
  }

  private String client(SocketAddress address) {
    if (clients.size() >= REMEMBERED_CLIENTS) {
      clients.clear();
    }
    return clients.computeIfAbsent(address, AccessFormat::addressText);
  }

  private static String addressText(SocketAddress address) {
    if (address instanceof InetSocketAddress inet && inet.getAddress() != null) {
      return inet.getAddress().getHostAddress() + ":" + inet.getPort();
    }
    return "-";
  }

  private static String cut(String text, int longest) {
    return text.length() <= longest ? text : text.substring(0, longest) + "...";
  }
}
